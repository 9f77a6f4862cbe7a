//! The row of a flow: `tcp-flow` or `udp-flow`.

use std::fmt::Write as _;

use coldcase_model::{Attributes, Event, Timestamp, When, action, outcome};

use super::address::TCP;
use super::flow::{CLIENT_IS_A, CUT, Flow, HAS_ISN, Status};

impl Flow {
    fn state(&self) -> (&'static str, Option<&'static str>) {
        match self.status() {
            Status::Answered => ("established", Some(outcome::SUCCESS)),
            Status::Open => ("half-open", Some(outcome::FAILURE)),
            Status::Refused => ("refused", Some(outcome::FAILURE)),
            Status::Midstream => ("midstream", None),
        }
    }

    /// Its row, handed to `emit`.
    pub(super) fn row(&self, emit: &mut dyn FnMut(&Event<'_>)) {
        let (client, client_port) = self.client();
        let (server, server_port) = self.server();
        let [out_index, in_index] = if self.has(CLIENT_IS_A) {
            [0, 1]
        } else {
            [1, 0]
        };
        let sent = |side: usize| {
            let packets = self.packets.get(side).copied().unwrap_or(0);
            (packets, self.bytes.get(side).copied().unwrap_or(0))
        };
        let ((packets_out, bytes_out), (packets_in, bytes_in)) = (sent(out_index), sent(in_index));
        let is_tcp = self.key.protocol == TCP;
        let (state, outcome) = self.state();
        let mut attributes = Attributes::new();
        if is_tcp {
            attributes
                .text("state", state)
                .number("syn", self.syn)
                .number("synack", self.synack)
                .number("fin", self.fin)
                .number("rst", self.rst);
        }
        attributes
            .number("packets_out", packets_out)
            .number("packets_in", packets_in)
            .number("bytes_out", bytes_out)
            .number("bytes_in", bytes_in)
            .number_if("isn", self.has(HAS_ISN).then_some(self.isn));
        if self.unreachable > 0 {
            attributes.number("unreachable", self.unreachable);
        }
        if self.has(CUT) {
            attributes.text("payload", "absent");
        }
        let (from, to) = (client.text(), server.text());
        let protocol = if is_tcp { "tcp" } else { "udp" };
        let packets = i64::from(packets_out) + i64::from(packets_in);
        let bytes = i64::try_from(bytes_out.saturating_add(bytes_in)).unwrap_or(i64::MAX);
        let mut message = String::with_capacity(96);
        let _ = write!(
            message,
            "{protocol} {from}:{client_port} > {to}:{server_port}"
        );
        if is_tcp {
            let _ = write!(message, " {state}");
        }
        let _ = write!(message, ", {packets} packets, {bytes} bytes");
        emit(&Event {
            when: Some(When::recorded(Timestamp(self.first), self.precision)),
            ts_end: Some(Timestamp(self.last)),
            outcome: outcome.filter(|_| is_tcp),
            src_ip: Some(from.into()),
            dst_ip: Some(to.into()),
            src_port: Some(client_port),
            dst_port: Some(server_port),
            protocol: Some(protocol),
            packets: Some(packets),
            bytes: Some(bytes),
            attributes: attributes.finish().map(Into::into),
            message: Some(message.into()),
            offset: Some(self.origin.offset()),
            ..Event::new(if is_tcp {
                action::TCP_FLOW
            } else {
                action::UDP_FLOW
            })
        });
    }
}

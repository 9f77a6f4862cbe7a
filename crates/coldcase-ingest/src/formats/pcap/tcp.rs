//! TCP segments, and the ICMP messages that answer them: flows, attempts, and DNS in streams.

use coldcase_wire::packet::{Icmp, Tcp};

use super::address::{Addr, FlowKey, TCP};
use super::attempts::Attempts;
use super::dns_rows::{Envelope, is_dns_port};
use super::dns_streams::{self, Streams};
use super::engine::{Engine, Frame, Outlets, is_cut, step};
use super::flow::{Flow, Status, Step, TIMEOUT_HALF_OPEN, TIMEOUT_TCP, flag};

impl Engine {
    /// Reads a segment.
    pub(super) fn tcp(&mut self, frame: &Frame, tcp: &Tcp<'_>, out: &mut dyn Outlets) {
        let envelope = frame.envelope.with_ports(tcp.src_port, tcp.dst_port);
        let (key, from_a) = FlowKey::of(envelope.source, envelope.destination, TCP);
        let step = Step {
            flags: tcp.flags,
            seq: tcp.seq,
            ack: tcp.ack,
            data: tcp.payload_len > 0,
            cut: is_cut(tcp.payload, tcp.payload_len),
            ..step(frame, from_a)
        };
        self.tcp_flow(key, &step, out);
        if is_dns_port(tcp.src_port, tcp.dst_port) {
            self.dns_stream((key, from_a), tcp, &envelope, out);
        } else if !tcp.payload.is_empty() && frame.packets == 1 {
            let sink = out.of(envelope.origin.file());
            self.http.segment((key, from_a), tcp, &envelope, sink);
        }
    }

    fn tcp_flow(&mut self, key: FlowKey, step: &Step, out: &mut dyn Outlets) {
        if let Some(handle) = self.table.find(&key) {
            if let Some(flow) = self.table.get_mut(handle)
                && flow.continues_with(step)
            {
                add(&mut self.attempts, flow, step);
                return;
            }
            if let Some(old) = self.table.remove(handle) {
                self.finish(old, out);
            }
        } else if let Some(mut flow) = self.half_open.take(&key) {
            if flow.continues_with(step) {
                add(&mut self.attempts, &mut flow, step);
                if flow.is_pending() {
                    self.wait(&flow);
                } else {
                    self.insert(flow, out);
                }
                return;
            }
            self.forget(flow);
        }
        self.begin(key, step, out);
    }

    fn begin(&mut self, key: FlowKey, step: &Step, out: &mut dyn Outlets) {
        let mut flow = Flow::begin(key, step);
        if !step.opens() {
            self.heads.mark(&mut flow, TIMEOUT_TCP, true);
            self.insert(flow, out);
            return;
        }
        let heads = &mut self.heads;
        let listed = self.attempts.open(&mut flow, |flow, listed| {
            heads.mark(flow, TIMEOUT_HALF_OPEN, listed);
        });
        if listed {
            self.insert(flow, out);
        } else {
            self.wait(&flow);
        }
    }

    fn dns_stream(
        &mut self,
        direction: (FlowKey, bool),
        tcp: &Tcp<'_>,
        envelope: &Envelope,
        out: &mut dyn Outlets,
    ) {
        let mut seq = tcp.seq;
        if tcp.flags & flag::SYN != 0 {
            self.streams.begin(direction, seq, envelope.at);
            seq = seq.wrapping_add(1);
        }
        if !tcp.payload.is_empty() {
            let segment = dns_streams::Segment {
                seq,
                bytes: tcp.payload,
                length: tcp.payload_len,
                envelope: *envelope,
            };
            let rows = &mut self.rows;
            self.streams
                .feed(direction, &segment, &mut |bytes, cut, envelope| {
                    rows.write(bytes, cut, envelope, "tcp", out.of(envelope.origin.file()))
                });
        }
        if tcp.flags & (flag::FIN | flag::RST) != 0 {
            self.streams.end(direction);
        }
    }

    /// Goes on with the DNS streams of the following file.
    pub(super) fn join_streams(&mut self, next: Streams, out: &mut dyn Outlets) {
        let rows = &mut self.rows;
        self.streams.absorb(next, &mut |bytes, cut, envelope| {
            rows.write(bytes, cut, envelope, "tcp", out.of(envelope.origin.file()))
        });
    }

    /// An ICMP message that quotes a SYN as unreachable refuses it; whether it did.
    pub(super) fn icmp(&mut self, frame: &Frame, icmp: &Icmp<'_>, out: &mut dyn Outlets) -> bool {
        let Some(quoted) = icmp.quoted.filter(|_| icmp.unreachable) else {
            return false;
        };
        let source = (Addr::of(quoted.src), quoted.src_port);
        let destination = (Addr::of(quoted.dst), quoted.dst_port);
        let (key, _) = FlowKey::of(source, destination, quoted.protocol);
        if key.protocol != TCP {
            return false;
        }
        if let Some(handle) = self.table.find(&key) {
            let Some(flow) = self.table.get_mut(handle) else {
                return false;
            };
            return report_unreachable(&mut self.attempts, flow, source, frame.envelope.at);
        }
        let Some(mut flow) = self.half_open.take(&key) else {
            return false;
        };
        let reported = report_unreachable(&mut self.attempts, &mut flow, source, frame.envelope.at);
        if reported {
            self.insert(flow, out);
        } else {
            self.wait(&flow);
        }
        reported
    }
}

/// Adds a packet to a flow, and to the sums of attempts what follows from it.
fn add(attempts: &mut Attempts, flow: &mut Flow, step: &Step) {
    let before = flow.status();
    flow.add(step);
    let after = flow.status();
    if before == after && !step.opens() {
        return;
    }
    if flow.is_head() {
        if before == Status::Open && after != Status::Open {
            attempts.settle(flow);
        }
    } else if before == Status::Midstream {
        if after != Status::Midstream {
            attempts.begin(flow);
        }
    } else {
        if step.opens() {
            attempts.repeat(flow, 1);
        }
        if before != after {
            attempts.change(before, flow);
        }
    }
}

fn report_unreachable(
    attempts: &mut Attempts,
    flow: &mut Flow,
    source: (Addr, u16),
    at: i64,
) -> bool {
    if flow.client() != source || !matches!(flow.status(), Status::Open | Status::Refused) {
        return false;
    }
    let before = flow.status();
    flow.report_unreachable(at);
    if before == Status::Open {
        if flow.is_head() {
            attempts.settle(flow);
        } else {
            attempts.change(before, flow);
        }
    }
    true
}

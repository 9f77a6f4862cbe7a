//! The rows of one container: as it was listed, and when it was created, started and ended.

use std::borrow::Cow;

use coldcase_model::{Attributes, Event, Sink, Timestamp, action};

use super::container::{Container, NetworkNamespace};
use crate::Clock;

/// Hands the rows of a container to the sink.
pub fn emit(container: &Container, clock: &Clock, sink: &mut dyn Sink) {
    sink.event(&listed(container, clock));
    let name = container.names.container.as_deref().unwrap_or("?");
    if let Some(created) = container.created {
        let mut event = begun(container, action::CONTAINER_CREATED);
        event.when = Some(created);
        event.message = Some(match &container.names.image {
            Some(image) => format!("container {name} created from {image}").into(),
            None => format!("container {name} created").into(),
        });
        event.attributes = ended(container, false).map(Into::into);
        sink.event(&event);
    }
    if let Some(started) = container.started {
        let mut event = begun(container, action::CONTAINER_STARTED);
        event.when = Some(started);
        let finished = container.finished.map(|finished| finished.ts);
        event.ts_end = finished.filter(|end| !container.runs() && *end >= started.ts);
        event.pid = container.pid;
        event.message = Some(format!("container {name} started").into());
        event.attributes = ended(container, false).map(Into::into);
        sink.event(&event);
    }
    if let Some(finished) = container.finished {
        let mut event = begun(container, action::CONTAINER_EXITED);
        event.when = Some(finished);
        event.message = Some(exit_message(container, name).into());
        event.attributes = ended(container, true).map(Into::into);
        sink.event(&event);
    }
}

fn begun<'a>(container: &'a Container, action: &'static str) -> Event<'a> {
    let text = |cell: &'a Option<String>| cell.as_deref().map(Cow::Borrowed);
    let names = &container.names;
    let mut event = Event::new(action);
    event.container = text(&names.container);
    event.image = text(&names.image);
    event.pod = text(&names.pod);
    event.namespace = text(&names.namespace);
    event.command = text(&names.command);
    event.line = Some(container.line);
    event
}

/// Whether the end that the engine shows is that of an earlier run: it runs again, so that the exit code
/// shown is not that end's.
fn ran_before(container: &Container) -> bool {
    let started_again = match (container.started, container.finished) {
        (Some(started), Some(finished)) => started.ts > finished.ts,
        _ => false,
    };
    container.runs() && (started_again || container.started.is_none())
}

fn ended(container: &Container, exit: bool) -> Option<String> {
    let mut attributes = Attributes::new();
    attributes.text_if("id", container.id.as_deref());
    if exit && ran_before(container) {
        attributes.flag("restarted", true);
    } else if exit {
        attributes.number_if("exit_code", container.exit.code);
        if let Some(oom_killed) = container.exit.oom_killed {
            attributes.flag("oom_killed", oom_killed);
        }
        attributes.text_if("error", container.exit.error.as_deref());
    }
    attributes.finish()
}

fn exit_message(container: &Container, name: &str) -> String {
    match container.exit.code {
        _ if ran_before(container) => format!("container {name} ended a run and was started again"),
        Some(code) if container.exit.oom_killed == Some(true) => {
            format!("container {name} exited with {code}, out of memory")
        }
        Some(code) => format!("container {name} exited with {code}"),
        None => format!("container {name} exited"),
    }
}

fn listed<'a>(container: &'a Container, clock: &Clock) -> Event<'a> {
    let mut event = begun(container, action::CONTAINER_LISTED);
    event.when = clock.collected();
    event.pid = container.pid;
    event.src_ip = container
        .addresses
        .first()
        .map(|ip| Cow::Borrowed(ip.as_str()));

    let mut attributes = container.attributes.clone();
    let at = |when: Option<coldcase_model::When>| when.map(|when| Timestamp::to_string(&when.ts));
    attributes
        .text_if("id", container.id.as_deref())
        .text_if("status", container.status.as_deref())
        .text_if("created", at(container.created).as_deref())
        .text_if("started", at(container.started).as_deref())
        .text_if("finished", at(container.finished).as_deref())
        .number_if("exit_code", container.exit.code)
        .text_if("error", container.exit.error.as_deref());
    if let Some(oom_killed) = container.exit.oom_killed {
        attributes.flag("oom_killed", oom_killed);
    }
    if let Some(source) = container.source {
        attributes.text("ip_source", source.as_str());
    }
    if container.addresses.len() > 1 {
        attributes.texts("addresses", &container.addresses);
    }
    if container.network == NetworkNamespace::Host {
        attributes.flag("host_network", true);
    }
    event.attributes = attributes.finish().map(Into::into);
    event.message = Some(listed_message(container).into());
    event
}

fn listed_message(container: &Container) -> String {
    let name = container.names.container.as_deref().unwrap_or("?");
    let mut message = format!("container {name}");
    if let Some(image) = &container.names.image {
        message.push_str(&format!(" of {image}"));
    }
    if let Some(status) = &container.status {
        message.push_str(&format!(" {status}"));
    }
    if let Some(code) = container.exit.code {
        message.push_str(&format!(" ({code})"));
    }
    match container.addresses.first() {
        Some(address) => message.push_str(&format!(" at {address}")),
        None if container.network == NetworkNamespace::Host => {
            message.push_str(" in the host's network");
        }
        None => {}
    }
    message
}

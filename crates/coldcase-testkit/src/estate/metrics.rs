//! Traffic as Prometheus tells it: day and night, a backup each night, a deployment.

use serde_json::json;

use super::{Bundle, Scene};

/// Writes the answer of a range query, a sample each ten minutes.
pub(super) fn write(scene: &Scene, bundle: &mut Bundle) {
    let mut result = Vec::new();
    let until = scene.clock.collected();
    for (index, machine) in scene.names.collected().iter().enumerate() {
        let mut dice = scene.dice(&format!("metrics of {}", machine.name));
        let backs_up = machine.name == scene.names.database.name;
        let base = 900_000 + i64::try_from(index).unwrap_or(0) * 211_000;
        let mut values = Vec::new();
        let mut at = until - 3 * 86_400;
        at -= at % 600;
        while at < until {
            let hour: i64 = scene.clock.written(at, "%H").parse().unwrap_or(0);
            let busy = if (8..20).contains(&hour) { 2 } else { 1 };
            let nightly = if backs_up && hour == 2 { 30 } else { 1 };
            let rate = base * busy * nightly + dice.between(0, base / 3);
            values.push(json!([at, format!("{rate}.{:03}", dice.between(0, 1000))]));
            at += 600;
        }
        result.push(json!({
            "metric": {"device": "bond0", "instance": format!("{}:9100", machine.address), "job": "node-exporter"},
            "values": values,
        }));
    }
    let answer = json!({"status": "success", "data": {"resultType": "matrix", "result": result}});
    bundle.add(
        &scene.names.gateway.name,
        "prom_node_network_transmit_bytes.json",
        answer.to_string(),
    );
}

//! Sockets: `ss` with owners, `ss` by someone who is not root, `netstat`.

use super::{Bundle, Scene};

/// Writes listings of sockets.
pub(super) fn write(scene: &Scene, bundle: &mut Bundle) {
    let names = &scene.names;
    bundle.add(&names.runner.name, "ss_antp.txt", runner(scene));
    bundle.add(&names.trainer.name, "ss_ant.txt", trainer(scene));
    bundle.add(&names.database.name, "netstat_anp.txt", database(scene));
    bundle.add(&names.crawler.name, "ss_antp.txt", crawler(scene));
}

fn line(state: &str, local: &str, peer: &str, owner: &str) -> String {
    format!("{state:<10}0      0      {local:>24} {peer:>24} {owner}\n")
}

fn head() -> String {
    "State     Recv-Q Send-Q      Local Address:Port        Peer Address:Port Process\n".to_owned()
}

/// The API with certificates on 2376 with callers of the estate, without on the loopback address only.
fn runner(scene: &Scene) -> String {
    let names = &scene.names;
    let own = &names.runner.address;
    let dockerd = "users:((\"dockerd\",pid=1568,fd=5))";
    let mut text = head();
    text += &line(
        "LISTEN",
        "0.0.0.0:22",
        "0.0.0.0:*",
        "users:((\"sshd\",pid=811,fd=3))",
    );
    text += &line("LISTEN", "127.0.0.1:2375", "0.0.0.0:*", dockerd);
    text += &line("LISTEN", &format!("{own}:2376"), "0.0.0.0:*", dockerd);
    text += &line(
        "LISTEN",
        "0.0.0.0:9100",
        "0.0.0.0:*",
        "users:((\"node_exporter\",pid=1120,fd=3))",
    );
    text += &line(
        "LISTEN",
        "0.0.0.0:10050",
        "0.0.0.0:*",
        "users:((\"zabbix_agentd\",pid=1178,fd=4))",
    );
    text += &line(
        "ESTAB",
        &format!("{own}:2376"),
        &format!("{}:40122", names.control.address),
        dockerd,
    );
    text += &line(
        "ESTAB",
        &format!("{own}:22"),
        &format!("{}:51022", names.bastion.address),
        "users:((\"sshd\",pid=31001,fd=4))",
    );
    text += &line(
        "ESTAB",
        &format!("{own}:9100"),
        &format!("{}:44010", names.monitor.address),
        "users:((\"node_exporter\",pid=1120,fd=9))",
    );
    text += &line(
        "TIME-WAIT",
        &format!("{own}:10050"),
        &format!("{}:40404", names.monitor.address),
        "",
    );
    text
}

/// Without root nobody's process is shown.
fn trainer(scene: &Scene) -> String {
    let names = &scene.names;
    let own = &names.trainer.address;
    let mut dice = scene.dice("trainer sockets");
    let mut text = head();
    text += &line("LISTEN", "0.0.0.0:22", "0.0.0.0:*", "");
    text += &line("LISTEN", "127.0.0.1:8888", "0.0.0.0:*", "");
    text += &line("LISTEN", "0.0.0.0:9100", "0.0.0.0:*", "");
    text += &line(
        "ESTAB",
        &format!("{own}:22"),
        &format!("{}:51100", names.bastion.address),
        "",
    );
    for _ in 0..3 {
        let far = format!("{}:443", dice.internet());
        text += &line("ESTAB", &format!("{own}:{}", dice.client_port()), &far, "");
    }
    text
}

fn database(scene: &Scene) -> String {
    let names = &scene.names;
    let own = &names.database.address;
    let row = |local: String, peer: String, state: &str, owner: &str| {
        format!("tcp        0      0 {local:<23} {peer:<23} {state:<11} {owner:<20}\n")
    };
    let any = || "0.0.0.0:*".to_owned();
    let mut text = String::from(
        "Active Internet connections (servers and established)\nProto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name    \n",
    );
    text += &row("0.0.0.0:22".to_owned(), any(), "LISTEN", "811/sshd");
    text += &row(format!("{own}:5432"), any(), "LISTEN", "2301/postgres");
    text += &row(
        "0.0.0.0:10050".to_owned(),
        any(),
        "LISTEN",
        "1178/zabbix_agentd",
    );
    text += &row(
        "0.0.0.0:9100".to_owned(),
        any(),
        "LISTEN",
        "1120/node_exporter",
    );
    for (index, node) in names.nodes.iter().enumerate() {
        text += &row(
            format!("{own}:5432"),
            format!("{}:4{index}310", node.address),
            "ESTABLISHED",
            "2301/postgres",
        );
    }
    text += &row(
        format!("{own}:10050"),
        format!("{}:40220", names.monitor.address),
        "TIME_WAIT",
        "-",
    );
    text
}

fn crawler(scene: &Scene) -> String {
    let own = &scene.names.crawler.address;
    let mut dice = scene.dice("crawler sockets");
    let mut text = head();
    text += &line(
        "LISTEN",
        "0.0.0.0:22",
        "0.0.0.0:*",
        "users:((\"sshd\",pid=811,fd=3))",
    );
    text += &line(
        "LISTEN",
        "0.0.0.0:25",
        "0.0.0.0:*",
        "users:((\"master\",pid=2950,fd=13))",
    );
    for index in 0..60 {
        let far = format!("{}:443", dice.internet());
        let (state, owner) = match index % 7 {
            0 => ("SYN-SENT", "users:((\"python3\",pid=3120,fd=20))"),
            1 => ("TIME-WAIT", ""),
            _ => ("ESTAB", "users:((\"python3\",pid=3120,fd=21))"),
        };
        text += &line(state, &format!("{own}:{}", dice.client_port()), &far, owner);
    }
    text
}

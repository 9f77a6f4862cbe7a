//! Processes: `ps aux` and `top` of hosts that work hard for good reasons.

use super::{Bundle, Scene};

/// One process.
struct Process {
    user: &'static str,
    pid: i64,
    cpu: &'static str,
    memory: i64,
    tty: &'static str,
    command: String,
}

/// Writes `ps` and `top` of some hosts.
pub(super) fn write(scene: &Scene, bundle: &mut Bundle) {
    let names = &scene.names;
    for machine in [
        &names.trainer,
        &names.runner,
        &names.database,
        &names.crawler,
    ] {
        let all = processes(scene, &machine.name);
        bundle.add(&machine.name, "ps_aux.txt", table(&all));
        if machine.name == names.trainer.name || machine.name == names.runner.name {
            bundle.add(&machine.name, "top_b_n1.txt", top(scene, &all));
        }
    }
}

fn one(user: &'static str, pid: i64, cpu: &'static str, memory: i64, command: &str) -> Process {
    Process {
        user,
        pid,
        cpu,
        memory,
        tty: "?",
        command: command.to_owned(),
    }
}

fn processes(scene: &Scene, host: &str) -> Vec<Process> {
    let names = &scene.names;
    let mut all = vec![
        one("root", 1, "0.0", 12_800, "/sbin/init"),
        one("root", 2, "0.0", 0, "[kthreadd]"),
        one("root", 3, "0.0", 0, "[rcu_gp]"),
        one("root", 14, "0.1", 0, "[ksoftirqd/0]"),
        one("root", 15, "0.0", 0, "[migration/0]"),
        one("root", 212, "0.3", 0, "[kworker/u32:3-events_unbound]"),
        one("root", 640, "0.0", 22_400, "/lib/systemd/systemd-journald"),
        one("root", 701, "0.0", 7_100, "/usr/sbin/cron -f -P"),
        one("_chrony", 777, "0.0", 3_200, "/usr/sbin/chronyd -F 1"),
        one(
            "root",
            811,
            "0.0",
            9_100,
            "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups",
        ),
        one(
            "nobody",
            1120,
            "0.4",
            24_000,
            "/usr/local/bin/node_exporter --collector.systemd",
        ),
        one("zabbix", 1178, "0.1", 7_700, "/usr/sbin/zabbix_agentd -f"),
    ];
    if host == names.trainer.name {
        all.extend([
            one("ml", 9921, "1596", 41_200_000, "python train.py --config configs/llm_7b.yaml --nproc 16 --resume"),
            one("ml", 9960, "99.7", 9_100_000, "/opt/conda/bin/python -c from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=37, pipe_handle=41) --multiprocessing-fork"),
            one("root", 2210, "0.0", 88_000, "/usr/bin/nvidia-persistenced --user nvidia-persistenced"),
        ]);
    } else if host == names.runner.name {
        all.extend([
            one("root", 1568, "2.1", 98_000, "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock"),
            one("root", 1425, "0.8", 61_000, "/usr/bin/containerd"),
            one("root", 24_551, "99.3", 912_000, "/usr/lib/gcc/x86_64-linux-gnu/11/cc1plus -quiet -O2 src/engine.cc -o /tmp/ccQ3kA1z.s"),
            one("root", 24_560, "98.9", 870_000, "rustc --crate-name engine --edition=2021 src/lib.rs -C opt-level=3"),
        ]);
    } else if host == names.database.name {
        all.extend([
            one(
                "postgres",
                2301,
                "4.0",
                210_000,
                "/usr/lib/postgresql/14/bin/postgres -D /var/lib/postgresql/14/main",
            ),
            one(
                "postgres",
                2315,
                "92.0",
                400_000,
                "postgres: 14/main: autovacuum worker shop",
            ),
        ]);
    } else {
        all.extend([
            one(
                "www",
                3120,
                "41.0",
                320_000,
                "python3 -m scrapy crawl catalog -s CONCURRENT_REQUESTS=256",
            ),
            one("postfix", 2960, "0.0", 9_400, "qmgr -l -t unix -u"),
            one(
                "root",
                2950,
                "0.0",
                8_100,
                "/usr/lib/postfix/sbin/master -w",
            ),
        ]);
    }
    let person = scene.names.people.first().map_or("ops", String::as_str);
    let mut shell = one("root", 31_020, "0.0", 5_100, "-bash");
    shell.tty = "pts/0";
    all.push(one(
        "root",
        31_001,
        "0.0",
        9_900,
        &format!("sshd: {person} [priv]"),
    ));
    all.push(shell);
    let mut listing = one("root", 31_991, "0.0", 3_300, "ps aux");
    listing.tty = "pts/0";
    all.push(listing);
    all.sort_by_key(|process| process.pid);
    all
}

fn table(all: &[Process]) -> String {
    let mut text = String::from(
        "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n",
    );
    for process in all {
        let Process {
            user,
            pid,
            cpu,
            memory,
            tty,
            command,
        } = process;
        let state = if cpu.len() > 3 { "Rl" } else { "Ss" };
        text.push_str(&format!(
            "{user:<9}{pid:>7} {cpu:>4} {:>4.1} {:>6} {memory:>5} {tty:<8} {state:<4} {:<5} {:>6} {command}\n",
            0.1, memory * 2, "Jan03", "12:41"
        ));
    }
    text
}

fn top(scene: &Scene, all: &[Process]) -> String {
    let stamp = scene
        .clock
        .written(scene.clock.collected() - 60, "%H:%M:%S");
    let mut text = format!(
        "top - {stamp} up 81 days, 17:57,  1 user,  load average: 17.42, 17.10, 16.93\nTasks: {} total,   3 running, {} sleeping,   0 stopped,   0 zombie\n%Cpu(s): 97.1 us,  1.9 sy,  0.0 ni,  0.8 id,  0.0 wa,  0.0 hi,  0.2 si,  0.0 st\nMiB Mem :  64311.4 total,   1201.0 free,  50110.1 used,  13000.3 buff/cache\nMiB Swap:      0.0 total,      0.0 free,      0.0 used.  13800.2 avail Mem\n\n    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND\n",
        all.len(),
        all.len() - 3
    );
    let mut busy: Vec<&Process> = all.iter().collect();
    busy.sort_by_key(|process| {
        std::cmp::Reverse(process.cpu.replace('.', "").parse::<i64>().unwrap_or(0))
    });
    for process in busy {
        let command = process.command.trim_matches(['[', ']']);
        let command = command.split([' ', ':']).next().unwrap_or_default();
        let command = command.rsplit('/').next().unwrap_or_default();
        text.push_str(&format!(
            "{:>7} {:<9} 20   0 {:>7} {:>6}   9100 {} {:>5}   0.4 {:>9} {command}\n",
            process.pid,
            process.user,
            process.memory * 2,
            process.memory,
            if process.cpu.len() > 3 { "R" } else { "S" },
            process.cpu,
            "6150:00"
        ));
    }
    text
}

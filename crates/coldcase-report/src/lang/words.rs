//! The words of the report's page, each in every language: nothing that the page says of itself stands elsewhere.
//! `{}` stands for what is put in, in order.

use coldcase_model::{ObservableType, Severity};
use serde_json::{Map, Value};

use super::in_both;
use crate::Lang;
use crate::parts::Part;

/// The words of a language.
pub(crate) fn words(lang: Lang) -> &'static Words {
    Words::of(lang)
}

impl Words {
    /// A severity's word.
    pub fn severity(&self, severity: Severity) -> &'static str {
        let (en, zh) = match severity {
            Severity::Critical => ("critical", "严重"),
            Severity::High => ("high", "高"),
            Severity::Medium => ("medium", "中"),
            Severity::Low => ("low", "低"),
            Severity::Info => ("noted", "提示"),
        };
        self.either(en, zh)
    }

    /// A kind of thing.
    pub fn kind(&self, kind: ObservableType) -> &'static str {
        let (en, zh) = match kind {
            ObservableType::Ip => ("address", "地址"),
            ObservableType::Domain => ("domain", "域名"),
            ObservableType::User => ("user", "用户"),
            ObservableType::Host => ("host", "主机"),
            ObservableType::Process => ("process", "进程"),
            ObservableType::File => ("file", "文件"),
            ObservableType::Image => ("image", "镜像"),
            ObservableType::Container => ("container", "容器"),
            ObservableType::Pod => ("pod", "Pod"),
            ObservableType::Service => ("service", "服务"),
            ObservableType::Device => ("device", "设备"),
            ObservableType::Log => ("log", "日志"),
            ObservableType::Unknown => ("unknown", "未知"),
        };
        self.either(en, zh)
    }

    /// A part of an answer.
    pub fn part(&self, part: Part) -> &'static str {
        match part {
            Part::Proof => self.proof,
            Part::Next => self.next,
            Part::Against => self.against,
            Part::Unseen => self.unseen,
        }
    }

    /// What the script says.
    pub fn of_script(&self) -> Value {
        let words = SCRIPT.iter();
        let mut all: Map<String, Value> = words
            .map(|(name, en, zh)| ((*name).to_owned(), Value::from(self.either(en, zh))))
            .collect();
        for severity in Severity::ALL {
            all.insert(severity.as_str().to_owned(), self.severity(severity).into());
        }
        Value::Object(all)
    }

    fn either(&self, en: &'static str, zh: &'static str) -> &'static str {
        match self.lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

in_both! {
    title: "case report", "案件报告";
    skip: "Skip to the answers", "跳到结论";
    answers: "Answers", "结论";
    timeline: "Timeline", "时间线";
    drawings: "Proof in pictures", "图示证据";
    findings: "Findings", "发现";
    events: "Events", "事件";
    evidence: "Evidence", "证据文件";
    times_in: "times in {} ({})", "时间按 {}（{}）";
    events_of: "{} events from {} files", "{} 条事件，来自 {} 个文件";
    no_script: "Without scripts: times stand in the bundle's zone, the zoomable timeline and the sample of events are not shown.", "未启用脚本：时间按证据所在时区显示，无法显示可缩放时间线与事件样本。";
    finding: "finding", "发现";
    nothing_dated: "Nothing here is dated.", "没有带时间的记录。";
    density: "events (darker: more)", "事件（越深越多）";
    covered: "covered", "有记录覆盖";
    gap: "gap in the record", "记录缺口";
    cited: "record cited by a finding", "被发现引用的记录";
    snapshot: "snapshot taken", "快照采集时刻";
    how_to_zoom: "Drag over the lanes to zoom in; drag in the strip below to move. With the keyboard: ← → move, + − zoom, 0 what the findings speak of, a everything.", "在时间线上拖动可放大，在下方窄条中拖动可移动。键盘：← → 平移，+ − 缩放，0 回到发现所述时段，a 显示全部。";
    sampled: "{} of {} events are in this page: of each host and format those with the lowest hashes of their place, half of them from the time that the findings speak of. The lanes count all events. The whole timeline lies beside this page in timeline/.", "本页含 {} / {} 条事件：每个主机与格式取位置哈希最小者，其中一半来自发现所述时段。时间线图统计全部事件。完整时间线位于本页旁的 timeline/ 目录。";
    all_events: "All {} events are in this page.", "本页含全部 {} 条事件。";
    no_messages: "They are named by action and place only: the case is too large to carry their messages.", "因案件过大，样本仅列动作与位置，不含消息正文。";
    lanes_left_out: "{} lanes with fewer events are not drawn.", "另有 {} 条事件较少的泳道未绘出。";
    nothing_found: "Nothing was found that asks for attention.", "没有需要关注的发现。";
    no_answer: "No cause is concluded. The gravest of the findings: {} of severity {}.", "没有得出结论。最严重的发现：{} 条，级别为{}。";
    absence: "What is not in the evidence can't be excluded.", "证据之外的情况无法排除。";
    limits: "Not collected, though it would have helped: {}.", "有帮助但未采集的材料：{} 项。";
    or_else: "Fits as well:", "同样吻合：";
    when: "When", "时间";
    to: "to", "至";
    about: "About", "对象";
    rests_on: "Rests on", "依据";
    proof: "Why", "理由";
    next: "Do next", "下一步";
    against: "Alternatives, and what speaks against it", "其他可能与反面证据";
    unseen: "What the evidence does not show", "证据未能显示的";
    sure: "{} % sure", "可信度 {} %";
    no_findings: "No correlator found anything.", "没有任何发现。";
    lesser: "{} of low severity:", "以下 {} 条为低级别：";
    noted: "{} only noted: read beside the others", "{} 条仅供参考，与其他发现对照";
    time: "time", "时间";
    record: "record", "位置";
    says: "what it says", "内容";
    undated: "undated", "无时间";
    facts: "Facts as in findings.json", "findings.json 中的事实";
    unknown: "unknown", "未知";
    file: "file", "文件";
    format: "format", "格式";
    host: "host", "主机";
    records: "records", "记录";
    skipped: "skipped", "跳过";
    first: "first", "最早";
    last: "last", "最晚";
    not_recognised: "not recognised", "未识别";
    read_of: "Read {} of {} files; {} records were skipped, each with its reason in case.json.", "已读取 {} / {} 个文件；跳过 {} 条记录，原因见 case.json。";
    lost: "Lost or assumed", "丢失或假定";
    clocks: "Clocks", "时钟";
    missing: "Not collected, would have helped", "未采集但有帮助的材料";
    hours: "Login hours", "登录时段";
    local_time_of: "local time of", "当地时间：";
    not_covered: "no login log of the host covers this day", "该日没有该主机的登录日志";
    logins: "logins", "次登录";
    failed: "failed", "次失败";
    few_to_many: "few to many logins an hour", "每小时登录由少到多";
    the_window: "the window", "时间窗";
    days_a_column: "{} days a column", "每列 {} 天";
    matched: "Cause matched", "原因匹配";
    effect: "effect", "结果";
    cause: "cause", "原因";
    unmatched: "cause without effect", "无对应结果的原因";
    pairs_of: "The finding matches {} of {}; drawn from the timeline again: {} pairs.", "发现匹配 {} / {}；由时间线重新绘制：{} 对。";
    other_targets: "{} more records of the kind name other targets.", "另有 {} 条同类记录指向其他目标。";
    moved_by: "The cause is moved by {} s, the error of its zone.", "原因已平移 {} 秒（其时区误差）。";
    closest: "the {} pairs that lie closest", "最密集的 {} 对";
    lag: "lag", "滞后";
    lag_of_all: "lag of all pairs", "全部配对的滞后";
    dns_path: "Path of the name", "域名的查询路径";
    the_name: "name", "域名";
    upstream: "upstream", "上级解析器";
    resolver: "resolver", "解析器";
    client: "client", "客户端";
    belongs_to: "which is", "即";
    forwards: "only forwards", "仅转发";
    forwarded_to: "asked by forwarders", "由转发者查询";
    questions: "{} questions", "{} 次查询";
    questions_short: "questions", "查询数";
    questions_over_time: "its questions", "其查询";
    asker: "asker", "询问者";
    flood: "Flood", "洪水攻击";
    no_rate: "The capture's summary has no rate over time; only totals are known.", "抓包摘要不含速率变化，仅有总数。";
    attempts_a_second: "connection attempts a second", "每秒连接尝试";
    answered_in_time: "answered and unanswered attempts stand in each bar; few answered ones are drawn higher than they are", "每个柱内区分有应答与无应答的尝试；很少的有应答部分绘制得比实际略高";
    answered_in_all: "which attempts were answered is known in all, not over time", "有无应答只有总数，没有随时间的变化";
    busiest: "busiest second: {} attempts at {}", "最高一秒：{} 次，于 {}";
    attempts: "attempts", "尝试";
    answered: "answered", "有应答";
    refused: "refused", "被拒绝";
    unanswered: "unanswered", "无应答";
    top_destinations: "the {} busiest of {} destinations, attempts each", "{} 个最多的目的地（共 {} 个），各自的尝试次数";
    metrics: "Rate by the metrics", "监控指标中的速率";
    capture_ran: "the capture ran", "抓包时段";
    rises: "rises", "上升";
    rise_line: "dashed: rises", "虚线：上升时刻";
    lives: "Containers", "容器";
    lives_shown: "{} of {} in the evidence: those that findings name, then those that came or went at the time", "证据中 {} / {} 个：发现提到的，以及该时段内创建或退出的";
    activity: "activity", "活动";
    created: "created", "创建";
    started: "started", "启动";
    exited: "exited", "退出";
    way_in: "The way in", "入侵路径";
    dashed: "dashed: inferred by time, not recorded", "虚线：按时间推断，无直接记录";
    made_by: "for {}", "应 {} 请求";
    caller: "caller", "来源";
    service: "service", "服务";
    container: "container", "容器";
    process: "process", "进程";
    talks_to: "talks to", "外联";
    outsider: "from outside", "外部";
    by_time: "inferred by time", "按时间推断";
    pool: "pool or remote end", "矿池或远端";
    foot: "Made by coldcase from the evidence named above, which was only read. This page loads nothing and sends nothing.", "由 coldcase 根据上述证据生成，证据仅被读取。本页不加载也不发送任何内容。";
}

/// Words that the script puts in: name, English, Chinese.
#[rustfmt::skip]
static SCRIPT: [(&str, &str, &str); 28] = [
    ("zone", "zone", "时区"),
    ("theme", "light / dark", "明 / 暗"),
    ("filter", "filter", "筛选"),
    ("copy", "copy", "复制"),
    ("copied", "copied", "已复制"),
    ("rows", "rows", "行"),
    ("of", "of", "/"),
    ("more", "show more", "显示更多"),
    ("in_view", "only the time shown above", "仅显示上方时段"),
    ("zoom_in", "zoom in", "放大"),
    ("zoom_out", "zoom out", "缩小"),
    ("everything", "everything", "全部"),
    ("focus", "what the findings speak of", "发现所述时段"),
    ("findings_row", "findings", "发现"),
    ("events_a_step", "events", "条事件"),
    ("undated_more", "events without a time", "条无时间的事件"),
    ("time", "time", "时间"),
    ("lane", "host, format", "主机、格式"),
    ("action", "action", "动作"),
    ("place", "record", "位置"),
    ("says", "what it says", "内容"),
    ("undated", "undated", "无时间"),
    ("help", "keys", "按键"),
    ("help_text", "/ filter · j k next and previous finding · z zone · t light or dark · in the timeline: ← → + − 0 a · Esc closes", "/ 筛选 · j k 下一条、上一条发现 · z 时区 · t 明暗 · 时间线内：← → + − 0 a · Esc 关闭"),
    ("all", "all", "全部"),
    ("gap", "gap in the record", "记录缺口"),
    ("snapshot", "snapshot", "快照"),
    ("zoom_label", "Timeline by host and format; arrow keys move, plus and minus zoom", "按主机与格式的时间线；方向键平移，加减号缩放"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_s_words_differ_by_language() {
        let (en, zh) = (EN.of_script(), ZH.of_script());
        assert_eq!(en.as_object().map(Map::len), zh.as_object().map(Map::len));
        assert_ne!(en.get("filter"), zh.get("filter"));
        assert_eq!(ZH.severity(Severity::High), "高");
    }

    #[test]
    fn what_is_put_in_stands_in_every_language() {
        let holes = |text: &str| text.matches("{}").count();
        for (name, en, zh) in SCRIPT {
            assert_eq!(holes(en), holes(zh), "{name}");
        }
        for (name, en, zh) in Words::ALL {
            assert_eq!(holes(en), holes(zh), "{name}");
        }
    }
}

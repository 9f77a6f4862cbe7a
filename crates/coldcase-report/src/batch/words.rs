//! The words of the batch report, in English and Chinese.

use coldcase_model::{ObservableType, Severity};

use super::entities::EntityKind;
use crate::Lang;
use crate::lang::in_both;

in_both! {
    title: "Incidents side by side", "事件对比";
    intro: "{} cases, {} with an incident. Times are UTC.", "{} 个案例，其中 {} 个有事件。时间为 UTC。";
    incidents: "Incidents", "事件";
    case: "case", "案例";
    when: "when", "时间";
    lasted: "lasted", "持续";
    found_after: "until collection", "至取证";
    hosts: "hosts", "主机";
    worst: "worst", "最高级别";
    findings: "findings", "发现";
    evidence: "evidence", "证据";
    covered: "evidence covers", "证据覆盖";
    answers: "Answers", "结论";
    sure: "{} % sure", "把握 {} %";
    no_answer: "no conclusion", "无结论";
    no_incident: "nothing above low", "无高于低级别的发现";
    not_dated: "not dated", "无日期";
    evidence_counts: "{} files, {} not recognised; {} records, {} skipped", "{} 个文件，{} 个未识别；{} 条记录，跳过 {} 条";
    over_time: "Over time", "时间线";
    bar_incident: "incident", "事件";
    bar_evidence: "evidence", "证据";
    shared: "What they share", "共同点";
    shared_intro: "What findings of one case name and findings or records of another name too, from low severity on. The same name need not be the same thing: look at when and where.", "某案例的发现所涉及、且另一案例的发现或记录也涉及的对象（低级别及以上）。同名未必同物：请核对时间与位置。";
    nothing_shared: "Nothing: no address, domain, image, key, hash, user or host of one case's findings is in another.", "无：各案例发现中的地址、域名、镜像、密钥、哈希、用户、主机均不重复。";
    seen_in: "in", "出现于";
    seen_where: "where", "位置";
    note: "note", "备注";
    by_finding: "{} ({})", "{}（{}）";
    by_records: "records in the timeline: {}", "时间线记录：{}";
    private: "private address: may be another machine", "私有地址：可能是另一台机器";
    gateway: "a gateway by its name: others may be behind it", "按名称为网关：其后可能有其他机器";
    address_of: "address of {}", "{} 的地址";
    left_out: "Left out as common by nature", "因普遍存在而略去";
    only_noted: "Left out: {} that only remarks (severity info) name.", "略去：{} 个仅由提示（info 级别）涉及的对象。";
    files: "The same files", "相同文件";
    files_intro: "Files with one hash in two or more cases, largest first.", "两个或更多案例中哈希相同的文件，按大小排列。";
    more: "{} more are not shown.", "另有 {} 个未显示。";
    guessed: "a name that guessers try everywhere", "常被到处试探的用户名";
    bytes: "bytes", "字节";
    trends: "Trends", "趋势";
    trends_intro: "An incident is a case with a finding of medium severity or above. It counts where its first record is: the first of its high findings, else of its medium ones.", "有中级别及以上发现的案例计为事件，按其首条记录计：高级别发现的首条；若无，则取中级别。";
    by_kind: "By kind", "按类型";
    by_month: "By month", "按月";
    by_week: "By week (ISO 8601)", "按周（ISO 8601）";
    kind: "kind", "类型";
    month: "month", "月";
    week: "week", "周";
    count: "incidents", "事件数";
    cases: "cases", "案例";
    nothing_dated: "No incident is dated.", "没有带日期的事件。";
    to: "to", "至";
}

impl Words {
    pub(super) fn severity(&self, severity: Severity) -> &'static str {
        match (self.lang, severity) {
            (Lang::En, severity) => severity.as_str(),
            (Lang::Zh, Severity::Critical) => "严重",
            (Lang::Zh, Severity::High) => "高",
            (Lang::Zh, Severity::Medium) => "中",
            (Lang::Zh, Severity::Low) => "低",
            (Lang::Zh, Severity::Info) => "提示",
        }
    }

    /// What an answer is.
    pub(super) fn observable(&self, kind: ObservableType) -> &'static str {
        match (self.lang, kind) {
            (Lang::En, kind) => kind.as_str(),
            (Lang::Zh, ObservableType::Ip) => "地址",
            (Lang::Zh, ObservableType::Domain) => "域名",
            (Lang::Zh, ObservableType::User) => "用户",
            (Lang::Zh, ObservableType::Host) => "主机",
            (Lang::Zh, ObservableType::Process) => "进程",
            (Lang::Zh, ObservableType::File) => "文件",
            (Lang::Zh, ObservableType::Image) => "镜像",
            (Lang::Zh, ObservableType::Container) => "容器",
            (Lang::Zh, ObservableType::Pod) => "Pod",
            (Lang::Zh, ObservableType::Service) => "服务",
            (Lang::Zh, ObservableType::Device) => "设备",
            (Lang::Zh, ObservableType::Log) => "日志",
            (Lang::Zh, ObservableType::Unknown) => "未知",
        }
    }

    pub(super) fn entities(&self, kind: EntityKind) -> &'static str {
        let (en, zh) = match kind {
            EntityKind::Address => ("addresses", "地址"),
            EntityKind::Domain => ("domains", "域名"),
            EntityKind::Image => ("images", "镜像"),
            EntityKind::Key => ("keys", "密钥"),
            EntityKind::Hash => ("hashes", "哈希"),
            EntityKind::User => ("users", "用户"),
            EntityKind::Host => ("hosts", "主机"),
        };
        match self.lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

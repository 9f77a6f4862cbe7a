//! The words of the post-mortem, in English and Chinese.

use crate::lang::in_both;

in_both! {
    title: "Post-mortem: {}", "事后复盘：{}";
    draft: "A draft from the evidence. Where it says **To fill in**, people who were there know more than the evidence does.", "根据证据生成的初稿。标有**待填写**处，请由当时在场的人员补充。";
    to_fill_in: "**To fill in:** {}", "**待填写：**{}";
    nothing: "nothing of weight was found", "没有重要发现";
    severity: "severity", "级别";
    when: "when", "时间";
    lasted: "lasted", "持续";
    until_collection: "from its last record to the collection of evidence", "从最后一条记录到取证";
    hosts: "hosts with evidence of it", "有相关证据的主机";
    read: "evidence read", "已读取的证据";
    read_counts: "{} files, {} of them not recognised; {} records, {} skipped", "{} 个文件，其中 {} 个未识别；{} 条记录，跳过 {} 条";
    times: "times", "时区";
    times_in: "UTC, and {} ({})", "UTC 与 {}（{}）";
    not_dated: "not dated", "无日期";
    to: "to", "至";

    summary: "Summary", "概要";
    no_answer: "No cause is concluded from this evidence. The gravest findings:", "根据现有证据无法得出原因。最严重的发现：";
    nothing_found: "Nothing of medium severity or above was found. What is not in the evidence can't be excluded.", "没有中级别及以上的发现。证据之外的情况无法排除。";
    candidates: "Fits as well: {}", "同样吻合：{}";

    impact: "Impact", "影响";
    impact_intro: "What the findings of medium severity and above are about:", "中级别及以上的发现所涉及的对象：";
    thing: "kind", "类型";
    names: "names", "名称";
    more_names: "and {} more", "另有 {} 个";
    impact_unknown: "what users and services noticed, which data was read or left the hosts, what it cost. Evidence of hosts does not show this.", "用户与业务受到的影响、哪些数据被读取或外传、造成的损失。主机证据无法显示这些。";

    cause: "Cause", "原因";
    no_cause: "Not concluded. See the open questions.", "没有结论，见“待解问题”。";
    root: "why this was possible, and what would have stopped or shown it earlier.", "为何会发生，以及怎样才能更早阻止或发现。";
    against: "Alternatives, and what speaks against it", "其他可能与反面证据";

    found: "Key findings", "主要发现";
    number: "no.", "编号";
    title_head: "finding", "发现";
    first: "first", "最早";
    last: "last", "最晚";
    sure: "sure", "可信度";
    more_findings: "{} more findings stand in report.md.", "另有 {} 条发现，见 report.md。";

    timeline: "Timeline", "时间线";
    timeline_intro: "The records that the key findings rest on, in order: of each finding at most the first {} and the last {}. All cited records stand in report.md, all events in timeline/.", "主要发现所依据的记录，按时间排列：每条发现最多列出最早 {} 条和最晚 {} 条。全部引用的记录见 report.md，全部事件见 timeline/。";
    record: "record", "记录";
    place: "file and place", "文件与位置";
    findings: "findings", "发现";
    collected: "the evidence was collected", "采集证据";
    undated: "undated", "无时间";
    more_records: "{} more records are left out here.", "此处略去 {} 条记录。";
    no_records: "No finding of weight cites a record.", "没有重要发现引用记录。";

    ended: "How it ended, and what was done", "如何结束，采取了哪些措施";
    went_on: "{}: its last record is of {}. The files that show it go on until {}, {} longer, and hold no more of it.", "{}：最后一条相关记录在 {}。显示它的文件一直记录到 {}，之后 {} 内不再出现。";
    still_on: "{}: its last record is of {}, and the files that show it end with it. Whether it went on is not known.", "{}：最后一条相关记录在 {}，显示它的文件也到此为止，之后是否继续不得而知。";
    ended_unknown: "When it ended is not in the evidence.", "证据中没有结束时间。";
    silence: "That records stop does not say why they stopped.", "记录停止并不说明停止的原因。";
    done: "what was done, by whom and when: hosts taken off the network, processes and containers stopped, accounts and keys changed, addresses blocked.", "采取的措施、人员与时间：主机断网、停止进程与容器、更换账号与密钥、封禁地址等。";

    evidence: "Evidence", "证据清单";
    evidence_intro: "Every file as it was read. `coldcase verify CASE` hashes them again. A number in the last column names a key finding that cites the file.", "所有已读取的文件。`coldcase verify CASE` 可重新校验哈希。最后一列为引用该文件的主要发现编号。";
    file: "file", "文件";
    host: "host", "主机";
    format: "format", "格式";
    bytes: "bytes", "字节";
    records: "records", "记录";
    skipped: "skipped", "跳过";
    not_recognised: "not recognised", "未识别";
    cited_by: "cited by", "引用者";

    unseen: "What the evidence could not show", "证据未能显示的";
    said_by_answers: "By the answers:", "结论中说明的：";
    not_collected: "Not collected, though it would have helped:", "有帮助但未采集的：";
    gaps: "Gaps in what was collected, at the time of the incident:", "事件期间的记录缺口：";
    gap: "{}, {}: nothing from {} to {} ({})", "{}，{}：{} 至 {} 无记录（{}）";
    lost: "Lost or assumed:", "丢失或假定的：";
    lost_records: "{}: {} of {} records skipped, each with its reason in case.json", "{}：跳过 {} / {} 条记录，原因见 case.json";
    unread: "Not recognised, so not used: {}", "未识别、未使用：{}";
    clocks: "Clocks:", "时钟：";
    more_lines: "{} more: see case.json", "另有 {} 条，见 case.json";
    all_shown: "Nothing known is missing.", "没有已知的缺失。";

    open: "Open questions", "待解问题";
    which_of: "{}: {}, or one of {}?", "{}：是{}，还是{}之一？";
    who_is: "{}: the evidence does not tell.", "{}：证据无法说明。";
    how_sure: "{}: the answer is {} % sure. What would make it surer stands under the next commands.", "{}：可信度为 {} %。可提高可信度的材料见“后续命令”。";
    unexplained: "No answer explains {}: {}", "没有结论能解释 {}：{}";
    own_questions: "questions of your own.", "其他问题。";

    commands: "Next commands", "后续命令";
    by_coldcase: "The records behind each answer, and whether the evidence is still the same:", "查看每个结论背后的记录，并校验证据是否未变：";
}

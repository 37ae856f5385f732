"""The figures of a run as a Markdown table, and in docs/reliability.md."""

HEAD = ("fault", "attempted", "accepted", "rejected", "unknown", "handled", "unique", "lost", "again", "hung", "recovery",
        "MiB", "threads", "descriptors")


def row_of(title, figures, notes):
    if "reason" in figures:
        return [f"{title} {notes.of(figures['reason'])}"] + ["-"] * (len(HEAD) - 1)
    total = figures
    mark = "".join(" " + notes.of(text) for text in filter(None, [total["may_lose"], *total["remarks"]]))
    if total["failures"]:
        mark += " **" + "; ".join(total["failures"]) + "**"
    recovery = "-" if total["recovery_p50_ms"] is None else f"{total['recovery_p50_ms']} / {total['recovery_p95_ms']}"
    pair = lambda name: " / ".join(map(str, total[name]))
    return [title + mark, *(str(total[name]) for name in HEAD[1:8]), f"{total['marked']} / {total['unmarked']}",
            str(total["hung"]), recovery, pair("memory_mib"), pair("threads"), pair("descriptors")]


class Notes:
    def __init__(self):
        self.texts = []

    def of(self, text):
        if text not in self.texts:
            self.texts.append(text)
        return f"[{self.texts.index(text) + 1}]"


def table(titles, results):
    """titles: fault -> what it is; results: fault -> figures."""
    notes = Notes()
    lines = ["| " + " | ".join(HEAD) + " |", "|" + " --- |" + " ---: |" * (len(HEAD) - 1)]
    lines += ["| " + " | ".join(row_of(titles[name], figures, notes)) + " |" for name, figures in results.items()]
    if notes.texts:
        lines += [""] + [f"[{i}] {text}.{'' if i == len(notes.texts) else '  '}" for i, text in enumerate(notes.texts, 1)]
    return "\n".join(lines)


def write(path, carrier, is_newer, titles, results):
    """Between <!-- faults CARRIER [newer] --> and <!-- /faults -->."""
    whole = path.read_text()
    begin, end = f"<!-- faults {carrier}{' newer' if is_newer else ''} -->\n", "<!-- /faults -->"
    before, rest = whole.split(begin)
    path.write_text(f"{before}{begin}{table(titles, results)}\n{end}{rest.split(end, 1)[1]}")

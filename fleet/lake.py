"""What a lake holds, and the fleet's questions: shared by the programs for DuckDB and Spark. Python 3.9 or later, nothing else.

A lake's log is read as `docs/fleet.md` says: entries in order of their numbers add up to the files that count. Files that no
entry names are not read, so that an adder at work, or one that was killed, changes no answer.
"""

import json
import os
import re

SCHEMA = "coldcase.lake/1"


class LakeError(Exception):
    """What is wrong, and what to do."""


def files(lake, read_log=None):
    """Paths of the files of each table, as the log adds up. `read_log` gives {name: text} where the lake is no folder."""
    entries = read_log(lake) if read_log else _read_log(lake)
    known = {}
    number = 0
    for name in sorted(name for name in entries if re.fullmatch(r"\d{8,}\.json", name)):
        number += 1
        if int(name.split(".")[0]) != number:
            raise LakeError(f"{lake}: entry {number} of the log is missing; see `coldcase lake check`")
        entry = json.loads(entries[name])
        if entry.get("schema") != SCHEMA:
            raise LakeError(f"{name}: its schema is {entry.get('schema')}, this program reads {SCHEMA}")
        for path in entry["removed_files"]:
            del known[path]
        for file in entry["added_files"]:
            known[file["path"]] = file["table"]
    tables = {}
    for path in sorted(known):
        tables.setdefault(known[path], []).append(f"{lake.rstrip('/')}/{path}")
    return tables


def _read_log(lake):
    folder = os.path.join(lake, "_coldcase", "log")
    if not os.path.isdir(folder):
        raise LakeError(f"{lake}: no lake; name a folder that `coldcase lake add` made")
    texts = {}
    for name in os.listdir(folder):
        if re.fullmatch(r"\d{8,}\.json", name):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                texts[name] = file.read()
    return texts


def columns(folder, table):
    """Names and SQL types of a table's columns, as `coldcase fleet --write-sql FOLDER` wrote them."""
    with open(os.path.join(folder, "tables.json"), encoding="utf-8") as file:
        return json.load(file)[table]


def questions(folder, names=()):
    """The questions in a folder of SQL files (`coldcase fleet --write-sql FOLDER`): {id: Question}."""
    found = sorted(name[:-4] for name in os.listdir(folder) if name.endswith(".sql"))
    unknown = [name for name in names if name not in found]
    if unknown:
        raise LakeError(f"{unknown[0]}: no such question in {folder}; there are {', '.join(found)}")
    return {name: Question(os.path.join(folder, f"{name}.sql")) for name in names or found}


class Question:
    """Its parameters, and its steps with the tables of the lake that they read."""

    def __init__(self, path):
        self.parameters = {}
        self.steps = []
        self.tables = set()
        with open(path, encoding="utf-8") as file:
            for line in file.read().splitlines():
                if not line.startswith("-- "):
                    if self.steps:
                        self.steps[-1][1].append(line)
                    continue
                said, _, rest = line[3:].partition(": ")
                if said == "parameter":
                    name, _, default = rest.partition("=")
                    self.parameters[name.strip()] = default.strip().split("  ")[0].strip().strip("'")
                elif said == "reads":
                    self.tables.add(rest.split("(")[0].strip())
                elif said == "step":
                    name, _, each = rest.partition(", of each ")
                    if each:
                        self.tables.add(each.split("(")[0].strip())
                    self.steps.append((name.strip(), []))

    def sql(self, settings):
        """Names and SQL of the steps, with the parameters filled in."""
        for name, lines in self.steps:
            text = "\n".join(lines)
            for parameter in sorted(self.parameters, key=len, reverse=True):
                default = self.parameters[parameter]
                value = settings.get(parameter, default)
                is_number = re.fullmatch(r"-?\d+", default) and re.fullmatch(r"-?\d+", value)
                text = text.replace(f":{parameter}", value if is_number else "'" + value.replace("'", "''") + "'")
            yield name, text


def indicators(paths):
    """Indicators of files with one domain, address or hash a line, as rows of (kind, value)."""
    rows = set()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                value = line.split("#")[0].strip().lower().rstrip(".")
                if not value:
                    continue
                if re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}", value):
                    rows.add(("hash", value))
                elif re.fullmatch(r"\d+\.\d+\.\d+\.\d+", value) or ":" in value:
                    rows.add(("ip", value))
                else:
                    rows.add(("domain", value))
    return sorted(rows)


def arguments(parser):
    """The arguments that both programs take."""
    parser.add_argument("lake", help="a lake: a folder, or an address that the engine reads")
    parser.add_argument("questions", nargs="*", help="ids of questions; all without any")
    parser.add_argument("--sql", required=True, help="folder of `coldcase fleet --write-sql`")
    parser.add_argument("--ioc", action="append", default=[], help="indicators, one a line; repeatable")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter; repeatable")
    parser.add_argument("-o", "--output", required=True, help="folder for QUESTION.jsonl: columns, then rows")
    return parser


def settings(given):
    """`NAME=VALUE` texts as a mapping."""
    return dict(text.split("=", 1) for text in given)


def write(folder, question, columns, rows):
    """An answer: a line of column names, then the rows in order, each a JSON array."""
    os.makedirs(folder, exist_ok=True)
    lines = sorted(json.dumps(list(row), ensure_ascii=False) for row in rows)
    with open(os.path.join(folder, f"{question}.jsonl"), "w", encoding="utf-8") as file:
        file.write("\n".join([json.dumps(list(columns))] + lines) + "\n")

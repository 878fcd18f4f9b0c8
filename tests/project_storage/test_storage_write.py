import os
import threading

import pytest

from paper2code.errors import ConflictError, LockLostError, ProjectError, UnsafePathError
from paper2code.project._state import Approval, NodeState, ProjectState

PLAN = "plan.md"


def approve(store, node):
    store.state.approvals[node] = Approval(store.artifact_digest(node), "me", "now")


def put(store, file, text):
    path = store.folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def get(store, file):
    return (store.folder / file).read_text(encoding="utf-8")


# --- unedited -------------------------------------------------------------------------------


def test_first_write_makes_files_state_and_history(store, texts):
    record = NodeState(inputs={"paper": "x"}, calls=[3], dollars=0.5)
    result = store.write_generated(
        "plan", {PLAN: texts.plan}, message="plan", author="model m", record=record
    )
    assert result.changed == (PLAN,) and not result.merged and not result.conflicts
    assert get(store, PLAN) == texts.plan
    again = ProjectState.load(store.folder).nodes["plan"]
    assert again.calls == [3] and again.inputs == {"paper": "x"} and again.built
    assert again.current == again.generated and set(again.current) == {PLAN}
    assert store.history.latest(PLAN).decode() == texts.plan
    assert store.scan() == []


def test_unedited_files_are_replaced_and_same_text_changes_nothing(store, texts):
    store.write_generated("plan", {PLAN: texts.plan})
    approve(store, "plan")
    same = store.write_generated("plan", {PLAN: texts.plan})
    assert same.changed == () and "plan" in store.state.approvals
    new = store.write_generated("plan", {PLAN: texts.plan.replace("Ten", "Five")})
    assert new.changed == (PLAN,) and "Five" in get(store, PLAN)
    assert "plan" not in store.state.approvals


def test_strange_model_texts_are_written_as_utf8(store):
    result = store.write_generated("code/a.py", {"repo/a.py": "x = '\ud800'\r\ny = 'é'\n"})
    assert get(store, "repo/a.py") == "x = '?'\ny = 'é'\n" == result.files["repo/a.py"]
    assert store.scan() == []


def test_files_must_belong_to_the_node(store, texts):
    before = (store.folder / "project.json").read_bytes()
    for node, file in [("plan", "logic.yaml"), ("code/a.py", "repo/b.py"), ("plan", "../x")]:
        with pytest.raises(ProjectError):
            store.write_generated(node, {file: "x"})
    with pytest.raises(UnsafePathError):
        store.write_generated("code/../x.py", {"repo/../x.py": "x"})
    assert (store.folder / "project.json").read_bytes() == before
    assert not (store.folder / "repo").exists() and not (store.folder.parent / "x").exists()


def test_a_folder_in_the_way_is_named_before_anything_is_written(store):
    (store.folder / "repo/a.py").mkdir(parents=True)
    with pytest.raises(ProjectError, match="folder of that name"):
        store.write_generated("code/a.py", {"repo/a.py": "x"})
    put(store, "repo/pkg", "a file")
    with pytest.raises(ProjectError, match="'repo/pkg' is a file"):
        store.write_generated("code/pkg/b.py", {"repo/pkg/b.py": "x"})
    assert not store.journal.pending and "code/a.py" not in store.state.nodes


def test_links_out_of_the_project_are_never_written_through(store, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (store.folder / "repo").symlink_to(outside)
    with pytest.raises(UnsafePathError):
        store.write_generated("code/a.py", {"repo/a.py": "x"})
    assert list(outside.iterdir()) == []


# --- merging --------------------------------------------------------------------------------


def test_edits_by_hand_survive_a_rebuild(store, texts):
    store.write_generated("plan", {PLAN: texts.plan}, author="model m")
    put(store, PLAN, texts.plan.replace("Accuracy on", "Accuracy and F1 on"))
    result = store.write_generated(
        "plan", {PLAN: texts.plan.replace("Ten epochs", "Twenty epochs")}
    )
    text = get(store, PLAN)
    assert "Accuracy and F1 on" in text and "Twenty epochs" in text
    assert result.merged and not result.conflicts
    assert "Accuracy and F1" not in store.history.latest(PLAN).decode()
    assert store.history.at_head(PLAN).decode() == text


def test_a_second_rebuild_starts_from_the_models_last_text(store, texts):
    store.write_generated("plan", {PLAN: texts.plan})
    put(store, PLAN, texts.plan.replace("Accuracy on", "Accuracy and F1 on"))
    for word in ("Twenty", "Thirty", "Ten"):
        result = store.write_generated(
            "plan", {PLAN: texts.plan.replace("Ten epochs", f"{word} epochs")}
        )
        assert not result.conflicts
        assert f"{word} epochs" in get(store, PLAN) and "F1" in get(store, PLAN)


def test_unchanged_model_text_leaves_the_edit_alone(store, texts):
    store.write_generated("plan", {PLAN: texts.plan})
    edited = texts.plan.replace("Ten", "Eleven")
    put(store, PLAN, edited)
    result = store.write_generated("plan", {PLAN: texts.plan})
    assert get(store, PLAN) == edited and result.changed == () and result.merged


def test_line_ends_of_an_editor_are_no_edit(store, texts):
    store.write_generated("plan", {PLAN: texts.plan})
    (store.folder / PLAN).write_bytes(texts.plan.replace("\n", "\r\n").encode())
    result = store.write_generated("plan", {PLAN: texts.plan.replace("Ten", "Six")})
    assert get(store, PLAN) == texts.plan.replace("Ten", "Six") and not result.conflicts


@pytest.mark.parametrize("history", [True, False])
@pytest.mark.parametrize("base", [True, False])
def test_conflicts_keep_the_persons_text(store, texts, history, base):
    import shutil

    code, file = "code/model.py", "repo/model.py"
    store.write_generated(code, {file: texts.code})
    mine = texts.code.replace("return x\n", "return x + 1\n")
    put(store, file, mine)
    store.scan()
    if not base:
        shutil.rmtree(store.folder / ".paper2code/base")
    if not history:
        store.history.close()
        shutil.rmtree(store.folder / ".paper2code/history")
    theirs = texts.code.replace("return x\n", "return x + 2\n").replace("sum(x)", "max(x)")
    result = store.write_generated(code, {file: theirs})
    assert result.conflicts and result.conflicts[0].file == file
    text = get(store, file)
    assert "x + 1" in text and "x + 2" not in text
    assert ("max(x)" in text) == (base or history), "without a base nothing may be taken"
    assert ProjectState.load(store.folder).conflicts[code] == list(result.conflicts)
    shown = store.folder / ".paper2code/conflicts"
    assert (shown / "theirs" / file).read_text() == theirs
    assert (shown / "ours" / file).read_text() == text


def conflicting(store, texts):
    store.write_generated("code/model.py", {"repo/model.py": texts.code})
    put(store, "repo/model.py", texts.code.replace("return x\n", "return x + 1\n") + "\nMINE = 1\n")
    theirs = texts.code.replace("return x\n", "return x + 2\n")
    return store.write_generated("code/model.py", {"repo/model.py": theirs})


def test_open_conflicts_do_not_vanish_with_another_rebuild(store, texts):
    assert conflicting(store, texts).conflicts
    theirs = texts.code.replace("return x\n", "return x + 2\n").replace("sum(x)", "max(x)")
    again = store.write_generated("code/model.py", {"repo/model.py": theirs})
    assert len(again.conflicts) == 1
    assert "x + 1" in get(store, "repo/model.py") and "max(x)" in get(store, "repo/model.py")


def test_settling(store, texts):
    conflicting(store, texts)
    store.settle("code/model.py", "repo/model.py", "theirs")
    text = get(store, "repo/model.py")
    assert "x + 2" in text and "x + 1" not in text and "MINE" in text
    assert store.state.conflicts == {}
    assert not (store.folder / ".paper2code/conflicts/theirs/repo/model.py").exists()
    with pytest.raises(ConflictError, match="no conflict"):
        store.settle("code/model.py", "repo/model.py", "ours")


def test_settling_for_ours_or_a_text_holds(store, texts):
    conflicting(store, texts)
    mine = get(store, "repo/model.py")
    store.settle("code/model.py", "repo/model.py", "ours")
    assert get(store, "repo/model.py") == mine and store.state.conflicts == {}
    theirs = texts.code.replace("return x\n", "return x + 2\n").replace("sum(x)", "max(x)")
    again = store.write_generated("code/model.py", {"repo/model.py": theirs})
    assert not again.conflicts, "what was settled is not asked again"
    assert "x + 1" in get(store, "repo/model.py") and "max(x)" in get(store, "repo/model.py")
    put(store, "repo/model.py", texts.code.replace("max(x)", "1"))
    assert ProjectState.load(store.folder).conflicts == {}


def test_bringing_the_file_to_the_models_text_settles(store, texts):
    result = conflicting(store, texts)
    assert result.conflicts
    put(store, "repo/model.py", texts.code.replace("return x\n", "return x + 2\n"))
    store.scan()
    assert store.state.conflicts == {}


def test_merged_code_always_compiles(store):
    base = "def f(x):\n    a = 1\n    b = 2\n    return a\n"
    store.write_generated("code/a.py", {"repo/a.py": base})
    put(store, "repo/a.py", "def f(x):\n    if x:\n        a = 1\n    b = 2\n    return a\n")
    store.write_generated(
        "code/a.py", {"repo/a.py": "def f(x):\n    a = 1\n    b = 3\n    return b\n"}
    )
    compile(get(store, "repo/a.py"), "a.py", "exec")


def test_a_broken_edit_is_kept_and_conflicts(store, texts):
    store.write_generated("config", {"config.yaml": texts.config, "config.evidence.yaml": "{}\n"})
    broken = texts.config + "  - [\n"
    put(store, "config.yaml", broken)
    result = store.write_generated("config", {"config.yaml": texts.config.replace("0.1", "0.2")})
    assert [c.place for c in result.conflicts] == ["the whole file"]
    assert get(store, "config.yaml") == broken


def test_config_merges_by_key(store, texts):
    store.write_generated("config", {"config.yaml": texts.config, "config.evidence.yaml": "{}\n"})
    put(store, "config.yaml", texts.config.replace("lr: 0.1", "lr: 0.5"))
    result = store.write_generated(
        "config", {"config.yaml": texts.config.replace("epochs: 10", "epochs: 20")}
    )
    assert not result.conflicts
    assert "lr: 0.5" in get(store, "config.yaml") and "epochs: 20" in get(store, "config.yaml")


def test_diagrams_merge_by_member(store, texts):
    files = "architecture/files.yaml"
    first = {
        files: "approach: x\nfiles:\n  - path: model.py\n    purpose: the model\n",
        "architecture/classes.mmd": texts.classes,
        "architecture/sequence.mmd": texts.sequence,
    }
    store.write_generated("architecture", first)
    put(
        store,
        "architecture/classes.mmd",
        texts.classes.replace("+step(batch) float", "+step(batch) float\n        +stop() None"),
    )
    second = first | {
        "architecture/classes.mmd": texts.classes.replace(
            "+forward(x) list", "+forward(x) list\n        +reset() None"
        )
    }
    result = store.write_generated("architecture", second)
    text = get(store, "architecture/classes.mmd")
    assert not result.conflicts and "stop()" in text and "reset()" in text


def test_a_diagram_conflict_names_its_place(store, texts):
    file = "architecture/classes.mmd"
    files = {
        "architecture/files.yaml": "approach: x\nfiles:\n  - path: model.py\n    purpose: the model\n",
        file: texts.classes,
        "architecture/sequence.mmd": texts.sequence,
    }
    store.write_generated("architecture", files)
    put(store, file, texts.classes.replace("+step(batch) float", "+step(batch, rate) float"))
    result = store.write_generated(
        "architecture",
        files | {file: texts.classes.replace("+step(batch) float", "+step(batch) int")},
    )
    assert [c.file for c in result.conflicts] == [file]
    assert "step" in result.conflicts[0].place and "rate" in get(store, file)


# --- files that are not ours -----------------------------------------------------------------


def test_foreign_files_in_the_repository_are_kept(store):
    put(store, "repo/util.py", "mine = 1\n")
    result = store.write_generated("code/util.py", {"repo/util.py": "theirs = 1\n"})
    assert get(store, "repo/util.py") == "mine = 1\n"
    assert [f.code for f in result.findings] == ["foreign-file"]
    again = store.write_generated("code/util.py", {"repo/util.py": "theirs = 2\n"})
    assert get(store, "repo/util.py") == "mine = 1\n" and again.conflicts[0].kind == "foreign"
    store.settle("code/util.py", "repo/util.py", "theirs")
    assert get(store, "repo/util.py") == "theirs = 2\n"
    assert b"mine = 1\n" in [
        store.history.read(v.id, "repo/util.py") for v in store.history.log("repo/util.py")
    ]


def test_the_same_text_is_no_foreign_file(store):
    put(store, "repo/util.py", "same = 1\n")
    assert store.write_generated("code/util.py", {"repo/util.py": "same = 1\n"}).conflicts == ()


def test_files_that_are_no_text_are_kept(store):
    store.write_generated("code/util.py", {"repo/util.py": "a = 1\n"})
    (store.folder / "repo/util.py").write_bytes(b"\xff\xfe\x00bad")
    result = store.write_generated("code/util.py", {"repo/util.py": "a = 2\n"})
    assert (store.folder / "repo/util.py").read_bytes() == b"\xff\xfe\x00bad"
    assert result.conflicts
    ProjectState.load(store.folder)


# --- noticing edits --------------------------------------------------------------------------


def test_scan_notices_edits_removals_and_returns(store, texts):
    store.write_generated("plan", {PLAN: texts.plan})
    approve(store, "plan")
    put(store, PLAN, texts.plan + "\nMore.\n")
    assert [(e.node, e.file, e.kind) for e in store.scan()] == [("plan", PLAN, "edited")]
    assert "plan" not in store.state.approvals
    assert store.scan() == []
    (store.folder / PLAN).unlink()
    assert [e.kind for e in store.scan()] == ["removed"]
    assert store.scan() == []
    put(store, PLAN, texts.plan)
    assert [e.kind for e in store.scan()] == ["restored"]
    assert [v.kind for v in store.history.log(PLAN)] == ["human", "human", "human", "model"]
    kinds = [e["kind"] for e in ProjectState.load(store.folder).edits]
    assert kinds == ["edited", "withdrawn", "removed", "restored"]


def test_edits_within_one_tick_of_the_clock_are_noticed(store):
    file = store.folder / PLAN
    store.write_generated("plan", {PLAN: "# A\n\n## Method\n\nx\n"})
    for number in range(30):
        before = file.stat()
        with file.open("r+b") as handle:
            handle.write(b"# %s" % bytes([66 + number % 20]))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert [e.kind for e in store.scan()] == ["edited"], number


def test_artifacts_written_by_hand_first_are_adopted(store, texts):
    put(store, PLAN, texts.plan)
    assert [(e.node, e.kind) for e in store.scan()] == [("plan", "edited")]
    assert store.state.nodes["plan"].generated == {}
    result = store.write_generated("plan", {PLAN: texts.plan.replace("Ten", "Two")})
    assert get(store, PLAN) == texts.plan and result.conflicts[0].kind == "unknown-base"


def test_own_files_in_the_repository_are_no_edits(store):
    put(store, "repo/notes.py", "x = 1\n")
    put(store, "repo/data/big.bin", "x")
    assert store.scan() == []


def test_readers_see_edits_but_record_nothing(project, texts, opened):
    writer = opened(project)
    writer.write_generated("plan", {PLAN: texts.plan})
    reader = opened(project, lock=False)
    put(writer, PLAN, "# other\n")
    before = (project / "project.json").read_bytes()
    assert [e.kind for e in reader.scan()] == ["edited"]
    assert (project / "project.json").read_bytes() == before
    with pytest.raises(LockLostError, match="read-only"):
        reader.write_generated("plan", {PLAN: "x"})
    with pytest.raises(LockLostError):
        reader.state.save()
    assert [e.kind for e in writer.scan()] == ["edited"]


def test_write_human(store, texts):
    store.write_generated("plan", {PLAN: texts.plan})
    approve(store, "plan")
    edits = store.write_human("plan", {PLAN: texts.plan + "x\n"}, by="ada")
    assert [e.kind for e in edits] == ["edited"] and "plan" not in store.state.approvals
    assert store.history.log(PLAN)[0].author == "human ada"
    assert store.scan() == [] and store.write_human("plan", {PLAN: texts.plan + "x\n"}) == []


def test_withdraw(store, texts):
    store.write_generated("plan", {PLAN: texts.plan})
    approve(store, "plan")
    assert store.withdraw("plan") and not store.withdraw("plan")
    assert "plan" not in ProjectState.load(store.folder).approvals


def test_remove_keeps_what_people_edited(store):
    store.write_generated("code/pkg/a.py", {"repo/pkg/a.py": "a = 1\n"})
    store.write_generated("code/b.py", {"repo/b.py": "b = 1\n"})
    put(store, "repo/b.py", "b = 2\n")
    assert store.remove("code/pkg/a.py") == ["repo/pkg/a.py"]
    assert store.remove("code/b.py") == []
    assert not (store.folder / "repo/pkg").exists() and get(store, "repo/b.py") == "b = 2\n"
    assert "code/b.py" not in ProjectState.load(store.folder).nodes


# --- undo -------------------------------------------------------------------------------------


def test_undo_and_redo(store, texts):
    store.write_generated("plan", {PLAN: texts.plan})
    put(store, PLAN, texts.plan + "\nMine.\n")
    store.scan()
    assert [e.kind for e in store.undo()] == ["edited"]
    assert get(store, PLAN) == texts.plan
    store.undo()
    assert "Mine." in get(store, PLAN)
    assert store.scan() == []


def test_undo_of_a_first_version_removes_it(store, texts):
    store.write_generated("code/a.py", {"repo/a.py": "a = 1\n"})
    assert [e.kind for e in store.undo()] == ["removed"]
    assert not (store.folder / "repo/a.py").exists()
    assert store.state.nodes["code/a.py"].current["repo/a.py"] == ""
    store.undo()
    assert get(store, "repo/a.py") == "a = 1\n"


# --- the copy of the config -------------------------------------------------------------------


def test_the_configs_copy(store, texts):
    evidence = "config.evidence.yaml"
    store.write_generated("config", {"config.yaml": texts.config, evidence: "{}\n"})
    assert not (store.folder / "repo").exists()
    store.write_generated("code/a.py", {"repo/a.py": "a = 1\n"})
    assert get(store, "repo/config.yaml") == texts.config and store.scan() == []
    put(store, "config.yaml", texts.config.replace("0.1", "0.3"))
    assert [(e.node, e.file) for e in store.scan()] == [("config", "config.yaml")]
    assert "0.3" in get(store, "repo/config.yaml")
    approve(store, "config")
    put(store, "repo/config.yaml", texts.config.replace("0.1", "0.4"))
    assert [(e.node, e.file) for e in store.scan()] == [("config", "config.yaml")]
    assert "0.4" in get(store, "config.yaml") and "config" not in store.state.approvals
    put(store, "repo/config.yaml", texts.config.replace("0.1", "0.5"))
    store.write_generated("code/b.py", {"repo/b.py": "b = 1\n"})
    assert "0.5" in get(store, "config.yaml") and "0.5" in get(store, "repo/config.yaml")
    assert store.scan() == []


def test_both_copies_edited_are_merged(store, texts):
    store.write_generated("code/a.py", {"repo/a.py": "a = 1\n"})
    store.write_generated("config", {"config.yaml": texts.config})
    put(store, "config.yaml", texts.config.replace("lr: 0.1", "lr: 0.3"))
    put(store, "repo/config.yaml", texts.config.replace("epochs: 10", "epochs: 30"))
    assert [e.file for e in store.scan()] == ["config.yaml"]
    for file in ("config.yaml", "repo/config.yaml"):
        assert "lr: 0.3" in get(store, file) and "epochs: 30" in get(store, file)
    assert store.scan() == [] and not store.state.conflicts


def test_a_foreign_config_in_the_repository_is_left_alone(store, texts):
    put(store, "repo/config.yaml", "mine: 1\n")
    result = store.write_generated("config", {"config.yaml": texts.config})
    assert [f.code for f in result.findings] == ["foreign-file"]
    assert (
        get(store, "repo/config.yaml") == "mine: 1\n" and get(store, "config.yaml") == texts.config
    )


# --- reading ----------------------------------------------------------------------------------


def test_workspace_holds_values(store, texts):
    store.write_generated("plan", {PLAN: texts.plan})
    store.write_generated("config", {"config.yaml": texts.config, "config.evidence.yaml": "{}\n"})
    store.write_generated("code/model.py", {"repo/model.py": texts.code})
    ws, findings = store.load_workspace()
    assert findings == {}
    assert ws.paper.title == "Cooled Prototypes" and ws.code == {"model.py": texts.code}
    assert (
        ws.plan is not None
        and ws.logic is None
        and ws.configuration.config.get("training.lr") == 0.1
    )
    assert store.load_workspace()[0].plan is ws.plan


def test_broken_edits_give_a_finding_and_the_last_good_value(project, opened, texts):
    store = opened(project)
    store.write_generated("config", {"config.yaml": texts.config, "config.evidence.yaml": "{}\n"})
    put(store, "config.yaml", texts.config.replace("0.1", "0.7"))
    store.scan()
    broken = "training: [\n"
    put(store, "config.yaml", broken)
    for reader in (store, opened(project)):
        reader.scan()
        ws, findings = reader.load_workspace()
        assert ws.configuration.config.get("training.lr") in (0.7, 0.1)
        assert [f.severity for f in findings["config"]] == ["error"]
        assert findings["config"][0].place.startswith("config.yaml")
    assert get(store, "config.yaml") == broken
    put(store, "config.yaml", texts.config.replace("0.1", "0.9"))
    ws, findings = store.load_workspace()
    assert findings == {} and ws.configuration.config.get("training.lr") == 0.9


def test_a_broken_diagram_is_named(store, texts):
    files = {
        "architecture/files.yaml": "approach: x\nfiles:\n  - path: model.py\n    purpose: the model\n",
        "architecture/classes.mmd": texts.classes,
        "architecture/sequence.mmd": texts.sequence,
    }
    store.write_generated("architecture", files)
    put(store, "architecture/sequence.mmd", "sequenceDiagram\n  loop\n")
    ws, findings = store.load_workspace()
    assert ws.architecture is not None
    assert findings["architecture"][0].place.startswith("architecture/sequence.mmd")
    (store.folder / "architecture/sequence.mmd").unlink()
    ws, findings = store.load_workspace()
    assert ws.architecture is not None
    assert findings["architecture"][0].place == "architecture/sequence.mmd"


@pytest.mark.parametrize("damage", ["{", "", "null"])
def test_a_damaged_paper_is_read_again(store, damage):
    put(store, "paper/paper.json", damage)
    ws, findings = store.load_workspace()
    assert ws.paper.title == "Cooled Prototypes" and findings["paper"]


def test_a_brief_that_is_no_text_does_not_stop(store):
    (store.folder / "brief.yaml").write_bytes(b"\xff\xff")
    ws, findings = store.load_workspace()
    assert ws.brief.framework == "" and "UTF-8" in findings["brief"][0].message


def test_threads_may_write_at_once(store):
    errors = []

    def write(number):
        try:
            store.write_generated(f"code/f{number}.py", {f"repo/f{number}.py": f"x = {number}\n"})
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len([n for n in ProjectState.load(store.folder).nodes if n.startswith("code/")]) == 8
    assert store.scan() == []


def test_young_files_are_read_whatever_their_times_say(store, monkeypatch):
    import types

    from paper2code.project import _read

    info = (store.folder / "brief.yaml").stat()
    same = types.SimpleNamespace(
        st_size=3, st_mtime_ns=info.st_mtime_ns, st_ctime_ns=info.st_ctime_ns, st_ino=1,
        st_mtime=info.st_mtime, st_ctime=info.st_ctime,
    )  # fmt: skip
    content = [b"one"]
    fake = types.SimpleNamespace(stat=lambda: same, read_bytes=lambda: content[0])
    monkeypatch.setattr(_read, "place", lambda *_: fake)
    first = store.files.digest("brief.yaml")
    content[0] = b"two"
    assert store.files.digest("brief.yaml") != first
    same.st_mtime = same.st_ctime = info.st_mtime - 10
    old = store.files.digest("brief.yaml")
    content[0] = b"new"
    assert store.files.digest("brief.yaml") == old, "an old file is not read again"

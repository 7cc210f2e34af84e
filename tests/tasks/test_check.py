from harness.tasks.check import check_task


def said(findings, severity):
    return [finding.message for finding in findings if finding.severity == severity]


def test_a_sound_task_gives_counts_only(toy, folder):
    findings = check_task(toy())
    assert said(findings, "error") == said(findings, "warning") == []
    notes = "\n".join(said(findings, "note"))
    assert "train: 5 rows, 3 labels, from 1 (leave) to 2 (greet)" in notes
    assert "train: 1 more rows have the out-of-scope label 'none'" in notes
    assert "labels without test rows: 'pay'" in notes


def test_what_can_mislead(toy, folder):
    (folder / "test.csv").write_text("text,label\nHI!,leave\nbye,leave\nnew,refund\nx,pay\nX,pay\n")
    findings = check_task(toy([("[greet, leave, pay]", "[greet, leave, pay, refund]")]))
    warnings = "\n".join(said(findings, "warning"))
    assert "labels without training rows: 'refund'" in warnings
    assert "2 test rows have a text that is in train too" in warnings
    assert "1 texts have more than one label: 'hi'" in warnings
    assert "test: 1 rows repeat an earlier text" in "\n".join(said(findings, "note"))


def test_test_texts_among_the_unlabelled(toy, folder):
    (folder / "more.csv").write_text("text\nfoo\nSEE  you\n")
    findings = check_task(toy([("test: test.csv}", "test: test.csv, unlabelled: more.csv}")]))
    (warning,) = said(findings, "warning")
    assert "1 test rows have a text that is in unlabelled too" in warning


def test_no_training_rows(toy):
    findings = check_task(toy([("train: train.csv, ", "")]))
    assert "zero-shot" in said(findings, "warning")[0]


def test_what_cannot_be_used(toy, folder):
    (folder / "test.csv").unlink()
    (finding,) = check_task(toy())
    assert finding.severity == "error"
    assert "test.csv: no such file" in finding.message
    (finding,) = check_task("absent")
    assert finding.severity == "error"

"""Tables of a study in Markdown, and the docs that hold them."""

from securities.studies.tables import Table, renewed


def test_the_docs_are_renewed_between_their_marks():
    text = "a\n<!-- X -->\nold\n<!-- end of X -->\nb\n"
    table = Table("X", "Caption", ("Rule", "bp"), (("one", "1"),))

    assert renewed(text, [table]) == (
        "a\n<!-- X -->\n\n**Caption**\n\n| Rule | bp |\n| --- | ---: |\n| one | 1 |\n\n"
        "<!-- end of X -->\nb\n"
    )


def test_a_table_without_marks_changes_nothing():
    table = Table("X", "Caption", ("Rule", "bp"), (("one", "1"),))

    assert renewed("a\n<!-- X -->\n", [table]) == "a\n<!-- X -->\n"

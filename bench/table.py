"""Tables in Markdown, which read well on a terminal too."""

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table whose columns are as wide as their widest cell."""
    cells = [list(header), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    padded = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    padded.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(padded)


def replace_between(document: str, name: str, text: str) -> str:
    """Return the document with what stands between <!-- name --> and <!-- /name --> exchanged."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = document.partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"the document has no place for {name}")
    return f"{before}{start}\n\n{text}\n\n{end}{after}"

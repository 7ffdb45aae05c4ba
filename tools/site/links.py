"""Links that lead from a page to a file of the repository: to its page if it has one, else they are only words."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
# Files outside docs/ that have a page.
COPIED = {"README.md": "at-a-glance.md", "SECURITY.md": "security.md", "CHANGELOG.md": "changelog.md"}

_CODE_OR_LINK = re.compile(
    r"(?P<code>^ *(?P<fence>```+|~~~+).*?^ *(?P=fence)\s*?$|`[^`\n]+`)"
    r"|\[(?P<text>(?:`[^`\n]*`|[^\]`])*)\]\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)",
    re.MULTILINE | re.DOTALL,
)


def relocated(text: str, source: str, page: str) -> str:
    """Markdown of the repository's file `source`, for the page `page` below docs/."""

    def link(match: re.Match[str]) -> str:
        target = match["target"]
        if match["code"] or re.match(r"[a-z]+:", target):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        anchor = match["anchor"] or ""
        inside = COPIED.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
        if inside is not None:
            return f"[{match['text']}]({posixpath.relpath(inside, posixpath.dirname(page) or '.')}{anchor})"
        return str(match["text"]) if (ROOT / path).exists() else match[0]

    return _CODE_OR_LINK.sub(link, text)

"""`references.bib`: what the architectures, tasks, studies and claims of the page name as their source.

Records name papers by an arXiv id, a DOI, or authors and year. The entries hold that and no more: no title and no
author is made up, so whoever cites them completes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archbench._report._exports._latex_text import escape, slug
from archbench._report._schema import Leaderboard

_ARXIV = re.compile(r"arxiv:\s*(\d{4}\.\d{4,5}|[a-z][a-z.-]*/\d{7})", re.IGNORECASE)
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s;,{}\"]+[^\s;,{}\".]")
_NAME = r"[A-Z][^\W\d_][\w'\N{RIGHT SINGLE QUOTATION MARK}-]*"
_WORK = re.compile(rf"{_NAME}(?: (?:and|&) {_NAME}| et al\.)?(?:, [A-Z]{{2,}})? (?:1[89]|20)\d\d\b")


_AS_IT_IS = ("eprint", "archiveprefix", "doi", "url")
"""Fields that hold identifiers: escaped, these would no longer be found."""


class Reference(NamedTuple):
    """A work that a source names.

    Args:
        key: the key of its entry; it depends on the work alone, so it is equal on every page.
        fields: the fields of its entry.
    """

    key: str
    fields: tuple[tuple[str, str], ...]


def render_bibtex(board: Leaderboard) -> str:
    """Return an entry for each work that appears on the page, in the order of keys.

    `annote` names who cites the work: architectures, tasks, studies and claims.
    """
    works: dict[str, Reference] = {}
    citing: dict[str, list[str]] = {}
    for reference, who in _cited(board):
        works.setdefault(reference.key, reference)
        citing.setdefault(reference.key, []).append(who)
    return "\n".join([_HEAD, *(_entry(works[key], dict.fromkeys(citing[key])) for key in sorted(works))])


def references_of(source: str) -> list[Reference]:
    """Return the works that a source names; a part of it that names none in a known form is one of its own."""
    parts = [" ".join(part.split()) for part in source.split(";")]
    found = [reference for part in parts if part for reference in _known(part) or [_work(part)]]
    return list(dict.fromkeys(found))


_HEAD = """The works that the architectures, tasks, studies and claims of this leaderboard name as their source.
Titles and authors are not part of the records: complete the entries before you print them.
"""


def _cited(board: Leaderboard) -> Iterator[tuple[Reference, str]]:
    """Yield each work that the page names, with who names it."""
    sources = [(entrant.source, entrant.label) for entrant in board.entrants]
    sources += [(task.source, f"task {task.label}") for task in board.tasks]
    sources += [(study.source, f"study {study.name}") for study in board.studies]
    sources += [(claim.source, f"claim {claim.name}") for claim in board.claims]
    for source, who in sources:
        yield from ((reference, who) for reference in references_of(source))
    for claim in board.claims:  # a replication may be words alone
        yield from ((reference, f"claim {claim.name}") for text in claim.replications for reference in _known(text))


def _known(part: str) -> list[Reference]:
    """Return the works that a text names by arXiv id or DOI, or else by authors and year."""
    papers = [*map(_arxiv, _ARXIV.findall(part)), *map(_doi, _DOI.findall(part))]
    return papers or list(map(_work, _WORK.findall(part)))


def _arxiv(number: str) -> Reference:
    number = number.lower()
    fields = {"eprint": number, "archiveprefix": "arXiv", "url": f"https://arxiv.org/abs/{number}"}
    return Reference(f"arxiv-{slug(number)}", (("key", f"arXiv:{number}"), *fields.items()))


def _doi(number: str) -> Reference:
    return Reference(f"doi-{slug(number.lower())}", (("key", f"doi:{number.lower()}"), ("doi", number.lower())))


def _work(words: str) -> Reference:
    words = words.replace("&", "and")
    return Reference(slug(words), (("key", words), ("howpublished", words)))


def _entry(reference: Reference, who: Iterable[str]) -> str:
    fields = [*reference.fields, ("annote", "; ".join(who))]
    # Identifiers are kept as they are: escaped, they would no longer be found.
    lines = [
        f"  {name} = {{{value if name in ('eprint', 'doi', 'url') else escape(value)}}},\n" for name, value in fields
    ]
    return f"@misc{{{reference.key},\n{''.join(lines)}}}\n"

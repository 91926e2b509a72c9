"""Pages of HTML, taken apart."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """What a page of HTML holds; a tag that is closed in the wrong order is an error."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.headings, self.attributes, self.ids, self._open = [], [], [], [], []
        self.words = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.tags.append(tag)
        self.attributes.append((tag, known))
        if "id" in known:
            self.ids.append(known["id"])
        if tag not in VOID:
            self._open.append(tag)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append([int(tag[1]), ""])

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, text):
        if "style" in self._open:
            return
        if self.headings and self._open and re.fullmatch(r"h[1-6]", self._open[-1]):
            self.headings[-1][1] += text
        if text.strip():
            self.words.append(" ".join(text.split()))

    @property
    def text(self):
        return " ".join(self.words)

    def having(self, tag):
        """Return the attributes of every element of a tag."""
        return [known for name, known in self.attributes if name == tag]

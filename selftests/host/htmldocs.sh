#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# "make htmldocs" makes a site without a warning. It has an entry for each symbol that
# dref.ko exports, and a page for each manual page. Each of its pages can be reached from
# the front page, and no link inside it is dead. README.md links to files that exist.

. ../common.sh

cd ../.. && scripts/need htmldocs || exit
site=Documentation/output
work=$(mktemp -d "${TMPDIR:-/tmp}/htmldocs.XXXXXX") || exit
trap 'rm -rf "$work"' EXIT

cat >"$work/look.py" <<'END'
import glob
import os
import re
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

SITE = os.path.join("Documentation", "output")


class Page(HTMLParser):
    """The links of a page, and its anchors"""

    def __init__(self, name):
        super().__init__()
        self.links, self.anchors = [], {""}
        with open(name, encoding="utf-8") as file:
            self.feed(file.read())

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and not urlsplit(value).scheme:
                self.links.append(value)
            elif name in ("id", "name"):
                self.anchors.add(value)


def pages():
    return {os.path.normpath(name): Page(name)
            for name in glob.glob(SITE + "/**/*.html", recursive=True)}


def target(name, link):
    """The file and the anchor that a link on a page names"""
    parts = urlsplit(link)
    path = os.path.join(os.path.dirname(name), unquote(parts.path)) if parts.path else name
    return os.path.normpath(path), unquote(parts.fragment)


def links():
    """Links to what does not exist"""
    known = pages()
    for name, page in known.items():
        for link in page.links:
            path, anchor = target(name, link)
            if not os.path.exists(path) or path in known and anchor not in known[path].anchors:
                yield f"{name} has a dead link: {link}"


def reach():
    """Pages that cannot be reached from the front page"""
    known, seen = pages(), set()
    ahead = [os.path.join(SITE, "index.html")]
    while ahead:
        name = ahead.pop()
        if name in known and name not in seen:
            seen.add(name)
            ahead += [target(name, link)[0] for link in known[name].links]
    for name in sorted(set(known) - seen):
        yield f"{name} cannot be reached from the front page"


def exports():
    """Exported symbols without an entry, and functions whose entry has no context"""
    symbols = set()
    for name in glob.glob("module/core/*.c") + glob.glob("module/inspect/*.c"):
        with open(name, encoding="utf-8") as file:
            symbols |= set(re.findall(r"EXPORT_\w*SYMBOL\w*\((\w+)\)", file.read()))
    if not symbols:
        yield "no exported symbol found"
    with open(os.path.join(SITE, "api.html"), encoding="utf-8") as file:
        first, *entries = re.split(r'<dl class="c (\w+)">\s*<dt [^>]*id="c\.(\w+)"', file.read())
    texts = dict(zip(entries[1::3], zip(entries[::3], entries[2::3])))
    for symbol in sorted(symbols):
        kind, text = texts.get(symbol, (None, ""))
        if not kind:
            yield f"{symbol} has no entry in api.html"
        elif kind == "function" and not re.search("context", text, re.I):
            yield f"the kernel-doc of {symbol} does not say in which context to call it"


def readme():
    """Links of the files in markdown to what does not exist"""
    for name in ("README.md", "CONTRIBUTING.md"):
        with open(name, encoding="utf-8") as file:
            text = file.read()
        for link in re.findall(r'\]\(([^)#]+)|src(?:set)?="([^"]+)"', text):
            link = link[0] or link[1]
            if not urlsplit(link).scheme and not os.path.exists(link):
                yield f"{name} has a dead link: {link}"


complaints = list(globals()[sys.argv[1]]())
for complaint in complaints:
    print("#", complaint)
sys.exit(bool(complaints))
END

builds() {
	rm -rf $site
	make -s htmldocs >"$work/out" 2>&1 && [ ! -s "$work/out" ] && return
	sed 's/^/# /' "$work/out"
	return 1
}

manual_pages() {
	for page in tools/*/*.[18]; do
		page=$(basename "$page")
		[ -e "$site/man/${page%.*}.html" ] && continue
		echo "# $page has no file in Documentation/man"
		return 1
	done
}

plan 7
builds
result $? "the site is made without a warning"
python3 "$work/look.py" exports
result $? "each exported symbol has an entry, and each function a context"
manual_pages
result $? "each manual page has a page"
python3 "$work/look.py" reach
result $? "the front page leads to each page"
python3 "$work/look.py" links
result $? "no link inside the site is dead"
grep -q dref_put_many $site/searchindex.js
result $? "the search knows the functions"
python3 "$work/look.py" readme
result $? "the links of README.md lead to files"
finish

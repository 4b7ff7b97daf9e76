# SPDX-License-Identifier: GPL-2.0
"""Sphinx extension for the pages of dref, which are plain reStructuredText.

It turns literals that name another page or a function into links, shows the picture for a
dark background where there is one, and has a directive for manual pages in mdoc.
"""

import glob
import html
import os
import re
import subprocess

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

PAGE = re.compile(r"(Documentation/)?([\w-]+)\.rst")
FUNCTION = re.compile(r"\b([A-Za-z]\w+)\(\)")
STRUCTURE = re.compile(r"struct (\w+)")


class MarkFunctions(SphinxTransform):
    """Literals for functions in the text, such as the kernel-doc comments have"""

    default_priority = 499

    def apply(self, **kwargs):
        for text in list(self.document.findall(nodes.Text)):
            if isinstance(text.parent, (nodes.paragraph, nodes.term, nodes.emphasis)):
                words = FUNCTION.split(text)
                for i in range(1, len(words), 2):
                    words[i] = nodes.literal("", words[i] + "()")
                words[::2] = [nodes.Text(word) for word in words[::2]]
                text.parent.replace(text, words)


class LinkLiterals(SphinxTransform):
    """Links for ``NAME.rst``, ``FUNCTION()`` and ``struct NAME``.

    A link to a page shows its title. A page in Documentation/ must exist. A function that
    the page api.rst does not have is one of the kernel's, and stays as it is.
    """

    default_priority = 500

    def target(self, text):
        """What the text of a literal names: domain, type and name"""
        page = PAGE.fullmatch(text)
        if page and page[2] != self.env.docname and (page[1] or page[2] in self.env.found_docs):
            return "std", "doc", "/" + page[2]
        function = FUNCTION.fullmatch(text)
        if function:
            return "c", "func", function[1]
        structure = STRUCTURE.fullmatch(text)
        if structure:
            return "c", "struct", structure[1]
        return None

    def apply(self, **kwargs):
        for literal in list(self.document.findall(nodes.literal)):
            target = self.target(literal.astext())
            if not target or isinstance(literal.parent, (nodes.reference, nodes.title,
                                                         addnodes.pending_xref)):
                continue
            domain, kind, name = target
            link = addnodes.pending_xref("", refdomain=domain, reftype=kind, reftarget=name,
                                         refexplicit=kind != "doc", refwarn=kind == "doc",
                                         refdoc=self.env.docname)
            link.source, link.line = literal.source, literal.line
            literal.replace_self(link)
            link += literal


class DarkPictures(SphinxTransform):
    """Beside NAME-light.svg, NAME-dark.svg; the theme shows one of them."""

    default_priority = 500

    def apply(self, **kwargs):
        for picture in list(self.document.findall(nodes.image)):
            dark = re.sub(r"-light\.svg$", "-dark.svg", picture["uri"])
            if dark == picture["uri"]:
                continue
            other = picture.deepcopy()
            other["uri"] = dark
            other["classes"].append("only-dark")
            picture["classes"].append("only-light")
            picture.parent.insert(picture.parent.index(picture) + 1, other)


class ManualPage(Directive):
    """.. manual-page:: FILE: a page in mdoc, by its path in the repository"""

    required_arguments = 1

    def run(self):
        env = self.state.document.settings.env
        path = os.path.join(env.config.kerneldoc_srctree, self.arguments[0])
        env.note_dependency(path)
        try:
            page = subprocess.run(
                ["mandoc", "-T", "html", "-O", "fragment,man=%N", "-W", "error,stop", path],
                check=True, text=True, capture_output=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise self.error(f"mandoc {path}: {getattr(error, 'stderr', '') or error}")
        known = {os.path.basename(name)[:-len(".rst")]
                 for name in glob.glob(os.path.join(env.srcdir, "man", "*.rst"))}

        def link(match):
            if match[1] in known:
                return f'<a class="Xr" href="{match[1]}.html">{match[2]}</a>'
            return f'<span class="Xr">{match[2]}</span>'

        page = re.sub(r'<a class="Xr" href="([^"]+)">(.*?)</a>', link, page, flags=re.S)
        _, *parts = page.split('<section class="Sh">')
        return [self.section(part.rpartition("</section>")[0]) for part in parts]

    def section(self, part):
        """The section for a .Sh"""
        anchor, head, body = re.fullmatch(
            r'\s*<h[12] class="Sh" id="(.*?)">(.*?)</h[12]>(.*)', part, re.S).groups()
        text = html.unescape(re.sub(r"<.*?>", "", head))
        section = nodes.section(names=[nodes.fully_normalize_name(text)], ids=[anchor])
        section += nodes.title(text, text)
        section += nodes.raw("", f'<div class="mandoc">{body}</div>', format="html")
        self.state.document.note_implicit_target(section, section)
        return section


def setup(app):
    """Called by Sphinx"""
    app.add_transform(MarkFunctions)
    app.add_transform(LinkLiterals)
    app.add_transform(DarkPictures)
    app.add_directive("manual-page", ManualPage)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

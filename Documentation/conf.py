# SPDX-License-Identifier: GPL-2.0
"""Configuration of Sphinx, for "make htmldocs"."""

import os
import re
import sys

import furo

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
# Parts of a kernel source tree (scripts/kselftest-get). The kernel's own kerneldoc.py
# looks for this variable, too.
KERNEL = os.environ["srctree"]
sys.path[:0] = [os.path.join(HERE, "sphinx"), os.path.join(KERNEL, "Documentation", "sphinx")]

project = "dref"
extensions = ["kerneldoc", "pages"]
exclude_patterns = ["output"]
primary_domain = "c"
highlight_language = "none"

# Newer versions of kerneldoc.py do not call this script, and ignore the first line.
kerneldoc_bin = os.path.join(KERNEL, "scripts", "kernel-doc")
kerneldoc_srctree = TOP


def dark_colours():
    """The theme's variables for a dark background.

    The style sheet of Debian 12 applies them only after a click on a button. As an option
    of the theme, they are also applied where the reader's system prefers a dark scheme.
    """
    name = os.path.join(os.path.dirname(furo.__file__), "theme", "furo", "static", "styles",
                        "furo.css")
    with open(name, encoding="utf-8") as file:
        block = re.search(r'body\[data-theme="?dark"?\]\s*\{(\s*--[^}]*)\}', file.read())
    return dict(re.findall(r"--([\w-]+):\s*([^;]+)", block[1])) if block else {}


html_theme = "furo"
html_theme_options = {"dark_css_variables": dark_colours()}
html_title = "dref"
html_static_path = ["sphinx-static"]
html_css_files = ["pages.css"]
html_show_copyright = False
html_copy_source = False
html_use_index = True

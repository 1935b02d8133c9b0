"""The documentation site: `python -m sphinx -W --keep-going docs docs/_build/html` writes it.

The pages are the Markdown files beside this one. Before they are read, srcad draws their pictures, and the notebook of the examples is
put beside them.
"""
from __future__ import annotations

import pathlib
import re
import shutil
import sys

from docutils import nodes
from sphinx.application import Sphinx

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import make_pictures  # noqa: E402
import srcad  # noqa: E402

make_pictures.draw()
shutil.copyfile(HERE.parent / "examples" / "circuits.ipynb", HERE / "circuits.ipynb")

project = "srcad"
author = copyright = "the srcad authors"  # noqa: A001
version = release = srcad.__version__

extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_nb"]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
nitpicky = True
default_role = "code"
smartquotes = False

myst_heading_anchors = 3
nb_execution_mode = "off"  # tests/test_notebook.py runs it

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the tables of parameters say them
numpydoc_show_class_members = False
numpydoc_validation_checks = {"GL03", "GL05", "GL06", "GL07", "GL10", "PR01", "PR02"}
numpydoc_validation_exclude = {  # what takes the arguments of the user's function, is not made by hand, or gives formulas in place of parameters
    r"^srcad\.Gradient\b", r"Error$", r"^srcad\.(optim|report|debug)\.[A-Zt]", r"^srcad\.graph\.Steps"}

html_theme = "pydata_sphinx_theme"
html_title = f"srcad {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars = {"**": ["pages"]}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_center": [],
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
}


def highlight_programs(app: Sphinx, doctree: nodes.document) -> None:
    """Colour what an example prints where that is a program."""
    for block in doctree.findall(nodes.literal_block):
        if re.search(r"^def \w+", block.astext(), flags=re.MULTILINE):
            block["language"] = "python"


def link_to_the_copy(app: Sphinx, docname: str, source: list[str]) -> None:
    """Let links to the notebook lead to its page."""
    source[0] = source[0].replace("(../examples/circuits.ipynb)", "(circuits.ipynb)")


def setup(app: Sphinx) -> None:
    app.connect("source-read", link_to_the_copy)
    app.connect("doctree-read", highlight_programs)

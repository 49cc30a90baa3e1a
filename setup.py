"""Build in a folder of its own: `pip install ..` of the plugin would leave `build/` in the tree.

What is left there is packed again by the next build, also after it was deleted here. The rest is in
pyproject.toml.
"""

import tempfile

from setuptools import setup

with tempfile.TemporaryDirectory() as folder:
    setup(options={"build": {"build_base": folder}, "egg_info": {"egg_base": folder}})

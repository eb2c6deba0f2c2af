"""What the command line says of itself."""

import platform
from importlib.metadata import version

import slipway
from commands import Slipway


def test_the_version_is_that_of_the_installed_package(tmp_path):
    said = Slipway(tmp_path)("--version")
    assert said == f"slipway {version('slipway')}, Python {platform.python_version()}\n"
    assert slipway.__version__ == version("slipway")

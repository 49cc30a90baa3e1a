"""The components for programs in TypeScript, Go, C#, Java and YAML.

A folder of its own: the Pulumi CLI takes a folder for a program or for a plugin, not for both.
"""

import sys

from fallback_messaging.plugin import PluginProvider
from pulumi.provider import main

main(PluginProvider(), sys.argv[1:])

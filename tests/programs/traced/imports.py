# SPDX-License-Identifier: GPL-2.0-or-later
"""Imports large modules that are written in Python."""


def main():
    import argparse
    import difflib
    import email.message
    import html.parser
    import logging
    import unittest
    return argparse, difflib, email.message, html.parser, logging, unittest

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a program as on a kernel that lacks something: lacking.py landlock|namespaces|seccomp… -- PROGRAM
ARGS. A filter of system calls answers in the kernel's place, for the program and all that it starts."""
import ctypes
import os
import platform
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
ALLOW, ERRNO = 0x7fff0000, 0x00050000
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
NUMBER, FIRST_LOW, SECOND_LOW = 0, 16, 24
EPERM, EINVAL, ENOSYS = 1, 22, 38
LANDLOCK_CREATE_RULESET, CLONE3 = 444, 435
UNSHARE, CLONE, SECCOMP, PRCTL = {"x86_64": (272, 56, 317, 157), "aarch64": (97, 220, 277, 167)}[platform.machine()]
NAMESPACES = 0x7e020000


def refuse(call, error):
    return [(LOAD, 0, 0, NUMBER), (EQUAL, 0, 1, call), (RETURN, 0, 0, ERRNO | error)]


def refuse_bits(call, bits, error):
    """When the first argument has one of @bits."""
    return [(LOAD, 0, 0, NUMBER), (EQUAL, 0, 3, call), (LOAD, 0, 0, FIRST_LOW),
            (ANY_BIT, 0, 1, bits), (RETURN, 0, 0, ERRNO | error)]


RULES = {
    "landlock": refuse(LANDLOCK_CREATE_RULESET, ENOSYS),
    "namespaces": refuse_bits(UNSHARE, NAMESPACES, EPERM) + refuse_bits(CLONE, NAMESPACES, EPERM)
                  + refuse(CLONE3, ENOSYS),
    "seccomp": refuse(SECCOMP, ENOSYS) + [
        (LOAD, 0, 0, NUMBER), (EQUAL, 0, 3, PRCTL), (LOAD, 0, 0, FIRST_LOW),
        (EQUAL, 0, 1, PR_SET_SECCOMP), (RETURN, 0, 0, ERRNO | EINVAL)],
}


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("rules", ctypes.c_char_p)]


def main():
    end = sys.argv.index("--")
    rules = [rule for name in sys.argv[1:end] for rule in RULES[name]] + [(RETURN, 0, 0, ALLOW)]
    code = b"".join(struct.pack("=HBBI", *rule) for rule in rules)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        sys.exit("cannot set no_new_privs: %s" % os.strerror(ctypes.get_errno()))
    if prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(Program(len(rules), code)), 0, 0) != 0:
        sys.exit("cannot set the filter: %s" % os.strerror(ctypes.get_errno()))
    os.execvp(sys.argv[end + 1], sys.argv[end + 1:])


main()

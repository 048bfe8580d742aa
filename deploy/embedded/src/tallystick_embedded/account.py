"""The account that PostgreSQL runs under when the supervisor is root, whom PostgreSQL refuses."""

import ctypes
import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tallystick_embedded.errors import StackError

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True)
class Account:
    """An unprivileged account to run a program under.

    The server's files and the data directory often lie under a home directory that only root may enter. Then, and only
    then, the account keeps root's right to pass file permissions (CAP_DAC_OVERRIDE).
    """

    uid: int
    gid: int
    passes_permissions: bool

    @classmethod
    def beside_root(cls, directory: Path, *needed: Path) -> Self | None:
        """The account for a cluster: its owner, or `nobody` for a new one. None unless the supervisor is root."""
        if os.geteuid() != 0:
            return None
        uid = directory.stat().st_uid if directory.exists() else 0
        entry = pwd.getpwuid(uid) if uid else pwd.getpwnam("nobody")
        above = {parent for path in (directory, *needed) for parent in path.resolve().parents if parent.exists()}
        passable = all(path.stat().st_mode & 0o001 for path in above)
        return cls(entry.pw_uid, entry.pw_gid, passes_permissions=not passable)

    def assume(self) -> None:
        """Become this account, for good. Called in the child between fork and exec."""
        if self.passes_permissions:
            _check(_LIBC.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)
        if self.passes_permissions:
            only = 1 << _CAP_DAC_OVERRIDE
            header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
            _check(_LIBC.capset(header, (ctypes.c_uint32 * 6)(only, only, only, 0, 0, 0)))
            _check(_LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0))


def require_named_user() -> None:
    """PostgreSQL looks its user up by name.

    Raises:
        StackError: where the user id has no name, as in a container that runs under a made-up one.
    """
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise StackError(
            f"The user id {os.geteuid()} has no entry in /etc/passwd, and PostgreSQL needs one. "
            "Run Tallystick as a user that exists."
        ) from None


def _check(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))

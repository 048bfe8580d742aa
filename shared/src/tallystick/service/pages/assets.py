"""What pages load beside themselves: our style sheet, scripts and icon, and Vega, all from our own host and for ever cacheable.

The name of an asset holds a hash of its content, so an address never changes its meaning. Vega, Vega-Lite and Vega-Embed come out
of the installed `vl-convert-python`, which packs them into one script. That takes seconds and much memory, so it is done once, by
`reporting-api pack` at installation; where that was left out, by a process of its own when the first page is asked for. The hash
in the script's name is that of the version it is made from.
"""

import asyncio
import hashlib
import mimetypes
import sys
from importlib.metadata import version
from importlib.resources import files
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile

from fastapi import APIRouter, Request, Response

from tallystick.service.problems import NotFound

router = APIRouter(include_in_schema=False)

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
_PACK = "import sys, vl_convert; sys.stdout.write(vl_convert.javascript_bundle())"
_SCRIPT = "text/javascript; charset=utf-8"
_INSTALLED = Path(sys.prefix) / "share" / "tallystick"


class Assets:
    """The assets by the names under which they are served: those of the kit, and those of a service's pages.

    Services that share a gateway share the addresses of the kit's assets: what one page loads, any of them serves.
    """

    def __init__(self, package: str, installed: Path = _INSTALLED) -> None:
        self._served: dict[str, tuple[bytes, str]] = {}
        self._names: dict[str, str] = {}
        static = [files(each) / "static" for each in (__package__, package)]
        for file in chain.from_iterable(directory.iterdir() for directory in static if directory.is_dir()):
            content = file.read_bytes()
            stem, _, suffix = file.name.rpartition(".")
            served = f"{stem}-{_digest(content)}.{suffix}"
            kind = _SCRIPT if suffix == "js" else mimetypes.types_map[f".{suffix}"]
            self._names[file.name], self._served[served] = served, (content, kind)
        origin = f"{version('vl-convert-python')} {_PACK}"
        self._vega = f"vega-{_digest(origin.encode())}.js"
        self._names["vega.js"] = self._vega
        self._packed = installed / self._vega
        self._packing: asyncio.Task[bytes] | None = None

    def address(self, name: str) -> str:
        """Where the asset is served that its source calls `name`, such as `pages.css`."""
        return f"/static/{self._names[name]}"

    async def read(self, served: str) -> tuple[bytes, str] | None:
        """The content of an asset and its media type; None for a name that does not exist."""
        if served == self._vega:
            return await asyncio.shield(self.prepare()), _SCRIPT
        return self._served.get(served)

    def prepare(self) -> asyncio.Task[bytes]:
        """Begin to get Vega, unless that was done before or is under way. What failed is tried again."""
        failed = self._packing is not None and self._packing.done() and self._packing.exception() is not None
        if self._packing is None or failed:
            self._packing = asyncio.create_task(self._script())
        return self._packing

    def install(self, vega: bytes) -> Path:
        """Keep packed Vega in the installation, and answer where it lies."""
        self._packed.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._packed.parent, prefix=f"{self._vega}.", delete=False) as file:
            file.write(vega)
        Path(file.name).chmod(0o644)
        return Path(file.name).replace(self._packed)

    async def _script(self) -> bytes:
        try:
            return await asyncio.to_thread(self._packed.read_bytes)
        except FileNotFoundError:
            return await pack_vega()


async def pack_vega() -> bytes:
    """The script out of the wheel."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _PACK, stdout=asyncio.subprocess.PIPE)
    try:
        script, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise RuntimeError(f"Vega could not be packed: exit code {process.returncode}")
    return script


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=6).hexdigest()


@router.get("/static/{name}")
async def read_asset(request: Request, name: str) -> Response:
    """An asset by the name that holds its hash."""
    assets: Assets = request.app.state.assets
    found = await assets.read(name)
    if found is None:
        raise NotFound("There is no such asset.")
    content, kind = found
    return Response(content, headers=_FOR_EVER, media_type=kind)

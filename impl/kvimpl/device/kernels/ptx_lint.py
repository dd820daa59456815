"""Whether compiled PTX reads host-mapped arguments through the read-only cache, or cp.async.

It decides one thing about addresses: from which arguments each may come. It does not decide whether
a kernel is right, nor whether a pointer that was itself loaded from memory is a good one. The idea:
a register may hold whatever any instruction puts into it, on any path, until nothing changes. A
read of a kind that host-mapped bytes must not have (ld.global.nc, ldu, a texture, a surface,
cp.async, a prefetch into the uniform cache) is reported unless its address comes from pointers to
device memory only; an address of unknown origin is reported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain

from kvimpl.device.kernels.compile import Compiled
from kvimpl.device.kernels.source import KernelSource, Pointer
from kvimpl.device.port.values import Space

UNKNOWN = "unknown"
_INSTRUCTION = re.compile(r"(?:@!?%\w+\s+)?([a-z][\w.:]*)(?:\s+(.*))?")
_LINE = re.compile(r"\.loc\s+\d+\s+(\d+)")
_WORD = re.compile(r"%[\w.]+")
_PARAMETER = re.compile(r"\[\w+_param_(\d+)(?:\s*\+\s*\d+)?\]")
_LABEL = re.compile(r"\$?\w+:(?!:)")
_FORBIDDEN = re.compile(r"ld\.\S*\bnc\b|ldu\b|tex\b|tld4\b|suld\b|cp\.async|prefetchu\b")
_WAITS = re.compile(r"cp\.async\S*\.(commit_group|wait_group|wait_all)\b|cp\.async\.(wait|commit)")
_OPAQUE = re.compile(r"call\b|vote\b|activemask\b|shfl\b|redux\b|atom\b")


@dataclass(frozen=True, slots=True)
class Breach:
    """One read of a kind that mapped host memory must not have, and where its address comes from.

    `line` is the line of the CUDA source, 0 where the PTX does not say.
    """

    file: str
    line: int
    instruction: str
    origins: tuple[str, ...]

    def __str__(self) -> str:
        whence = " or ".join(self.origins)
        return (
            f"{self.file}:{self.line}: '{self.instruction}' reads an address from {whence}. "
            "Most likely a pointer to mapped host memory is const __restrict__, and the compiler "
            "takes it for bytes that nobody writes. Drop __restrict__, or read with __ldcv."
        )


@dataclass(frozen=True, slots=True)
class _Instruction:
    line: int
    operation: str
    operands: str


def breaches(compiled: Compiled) -> tuple[Breach, ...]:
    """Every read that is not allowed, in the order of the PTX.

    Raises:
        ValueError: the PTX has no body of the kernel, so that nothing could be looked at.
    """
    source = compiled.source
    instructions = _body(compiled.ptx, source.entry)
    origins = _origins(instructions, source)
    allowed = {
        p.name for p in source.parameters if isinstance(p, Pointer) and p.space is Space.DEVICE
    }
    found = []
    for each in instructions:
        if not _FORBIDDEN.match(each.operation) or _WAITS.match(each.operation):
            continue
        come = _from(_address(each), origins) or {UNKNOWN}
        wrong = sorted(come - allowed)
        if wrong:
            text = f"{each.operation} {each.operands}"
            found.append(Breach(source.path.name, each.line, text, tuple(wrong)))
    return tuple(found)


def _body(ptx: str, entry: str) -> list[_Instruction]:
    """The kernel's instructions; functions that it calls are inlined, or their results unknown."""
    begin = re.search(rf"\.entry\s+{re.escape(entry)}\s*\([^)]*\)[^{{;]*\{{", ptx)
    end = ptx.find("\n}", begin.end()) if begin else -1
    if not begin or end < 0:
        raise ValueError(
            f"The PTX has no kernel '{entry}'. Most likely the entry is not declared extern "
            '"C", or the description names another one. Nothing was looked at: mend the name.'
        )
    found, line, statement = [], 0, ""
    for text in re.sub(r"//[^\n]*", "", ptx[begin.end() : end]).splitlines():
        place = _LINE.match(text.strip())
        if place:
            line = int(place[1])
            continue
        *ended, rest = _LABEL.sub("", text, count=1).split(";")
        for piece in ended:
            found += _instruction(line, statement + piece)
            statement = ""
        statement += f"{rest} "
    return found


def _instruction(line: int, statement: str) -> list[_Instruction]:
    """The one instruction of a statement; none, for a declaration. Raises: ValueError."""
    text = " ".join(statement.split()).lstrip("{} ")
    if not text or text.startswith("."):
        return []
    read = _INSTRUCTION.fullmatch(text)
    if not read:
        raise ValueError(
            f"The PTX has a statement that cannot be read: '{text}'. Most likely a newer compiler "
            "writes what this check does not know. Nothing was looked at: teach the check this one."
        )
    return [_Instruction(line, str(read[1]), str(read[2] or ""))]


def _origins(instructions: list[_Instruction], source: KernelSource) -> dict[str, set[str]]:
    """Per register, the pointers that it may come from; none for plain numbers."""
    origins: dict[str, set[str]] = {}
    changed = True
    while changed:
        changed = False
        for each in instructions:
            targets, come = _flow(each, source, origins)
            for target in targets:
                held = origins.setdefault(target, set())
                changed |= not come <= held
                held |= come
    return origins


def _flow(
    each: _Instruction, source: KernelSource, origins: dict[str, set[str]]
) -> tuple[list[str], set[str]]:
    """The registers that an instruction writes, and where what it writes may come from."""
    first, rest = _split(each.operands)
    targets = _WORD.findall(first)
    if each.operation.startswith("ld.param"):
        number = _PARAMETER.search(each.operands)
        if not number:
            return targets, {UNKNOWN}
        parameter = source.parameters[int(number[1])]
        return targets, {parameter.name} if isinstance(parameter, Pointer) else set()
    if each.operation.startswith(("st.", "bra", "ret", "setp", "bar", "red.")):
        return [], set()
    if each.operation.startswith(("ld", "tex", "tld4", "suld")):
        wide = re.search(r"\.[usb](64|128)\b", each.operation)
        return targets, {UNKNOWN} if wide else set()
    if _OPAQUE.match(each.operation):
        return _WORD.findall(each.operands), {UNKNOWN}
    return targets, _from(rest, origins)


def _from(operands: str, origins: dict[str, set[str]]) -> set[str]:
    return set(chain.from_iterable(origins.get(r, ()) for r in _WORD.findall(operands)))


def _address(each: _Instruction) -> str:
    """The operand that is read from: the last one in brackets."""
    places: list[str] = re.findall(r"\[[^\]]*\]", each.operands)
    return places[-1] if places else ""


def _split(operands: str) -> tuple[str, str]:
    """The first operand, which may be a vector in braces, and the rest."""
    if operands.startswith("{"):
        vector, _, rest = operands.partition("}")
        return vector, rest
    first, _, rest = operands.partition(",")
    return first, rest

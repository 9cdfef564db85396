"""What the guest of the demo runs: a PC's boot sector, as bytes with their assembly beside them.

It prints a line, and then sleeps between the ticks of the timer. At each tick it ejects the devices
that are to be unplugged, as an operating system does, through the ACPI ports of ``-M pc``; QEMU's
documentation describes them (docs/specs/acpi_pci_hotplug).

To compare bytes and assembly: write :func:`make_boot_sector` to a file, and disassemble that with
``objdump -D -b binary -m i8086 -M intel --adjust-vma=0x7c00 FILE``.
"""

from __future__ import annotations

SECTOR_BYTES = 512

_CODE = (
    # The BIOS loads the sector to 0x7c00, and jumps there.
    "31 c0",  #        7c00         xor   ax, ax
    "8e d8",  #        7c02         mov   ds, ax
    "8e d0",  #        7c04         mov   ss, ax
    "bc 00 7c",  #     7c06         mov   sp, 0x7c00
    "fc",  #           7c09         cld
    "fb",  #           7c0a         sti             ; the timer interrupts hlt
    "be 30 7c",  #     7c0b         mov   si, 0x7c30
    # Print the text, letter by letter, on the VGA's screen.
    "ac",  #           7c0e print:  lodsb           ; al = [si++]
    "84 c0",  #        7c0f         test  al, al
    "74 09",  #        7c11         jz    bus       ; the zero behind the text
    "b4 0e",  #        7c13         mov   ah, 0x0e  ; "teletype output"
    "bb 07 00",  #     7c15         mov   bx, 7     ; page 0, grey
    "cd 10",  #        7c18         int   0x10
    "eb f2",  #        7c1a         jmp   print
    # The ports are of one PCI bus at a time: have them be those of the first.
    "ba 10 ae",  #     7c1c bus:    mov   dx, 0xae10
    "66 31 c0",  #     7c1f         xor   eax, eax
    "66 ef",  #        7c22         out   dx, eax
    # Sleep. Eject the slots whose devices are to be unplugged; of several, QEMU takes one a time.
    "f4",  #           7c24 sleep:  hlt
    "ba 04 ae",  #     7c25         mov   dx, 0xae04
    "66 ed",  #        7c28         in    eax, dx   ; one bit a slot
    "b2 08",  #        7c2a         mov   dl, 0x08
    "66 ef",  #        7c2c         out   dx, eax   ; to 0xae08
    "eb f4",  #        7c2e         jmp   sleep
)
_TEXT = b"\r\nThe demo of qmp-shell: a guest that sleeps. Its devices can be unplugged.\r\n"
# What tells the BIOS that it can boot from here; it ends the sector.
_SIGNATURE = b"\x55\xaa"


def make_boot_sector() -> bytes:
    """The first sector of a disk that a PC boots from."""
    program = bytes.fromhex("".join(_CODE)) + _TEXT + b"\0"
    return program.ljust(SECTOR_BYTES - len(_SIGNATURE), b"\0") + _SIGNATURE

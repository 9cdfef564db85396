"""``libvirt-agent:[URI#]DOMAIN``: the guest agent of a VM that libvirt manages."""

from __future__ import annotations

from .libvirt import LibvirtAddress, parse_domain


class LibvirtAgentAddress(LibvirtAddress):
    """The guest agent of a domain."""

    scheme = "libvirt-agent"
    kind = "agent"
    is_agent = True


def parse(target: str) -> LibvirtAgentAddress:
    """:raise AddressError: the target is not a domain, or not behind a URI of libvirt's."""
    return LibvirtAgentAddress(*parse_domain(target))

import pytest

from dashlight.model.networks import is_this_machine, network_of, wider_network_of


@pytest.mark.parametrize(
    ("address", "network", "wider"),
    [
        ("192.0.2.77", "192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("unix:", "unix:", "unix:"),
        ("", "", ""),
    ],
)
def test_a_client_cannot_change_its_network(address, network, wider):
    assert (network_of(address), wider_network_of(address)) == (network, wider)


@pytest.mark.parametrize(
    ("address", "is_this"),
    [("", True), ("127.8.9.1", True), ("::1", True), ("192.0.2.1", False), ("unix:", False)],
)
def test_loopback_and_no_address_are_this_machine(address, is_this):
    assert is_this_machine(address) is is_this

# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are taken out of text by their form or the name before them, and nothing else is."""

from __future__ import annotations

import time

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.text import masking

# Unique, and of no form that would show it.
S = "Qz7vWk3nXr9t"
SECRET = {
    "address": [f"https://user:{S}@host/x", f"ftp://joe:{S}@192.0.2.1:2121/", f"curl error for http://joe:{S}@mirror/repodata"],
    "address without a user": [f"https://:{S}@host/", f"https://{S}@host/x"],
    "address with IPv6": [f"http://u:{S}@[2001:db8::1]:3128", f"socks5h://{S}@[fe80::1%25eth0]/"],
    "password with signs of addresses": [f"http://u:p@{S}@host/", f"http://u:p/{S}@host:1/", f"http://u:{S}%40%2Fp@host/"],
    "address in an address": [f"u=https%3A%2F%2Fjoe%3A{S}%40host%2Fx", f"?next=http%3a%2f%2f{S}%40host"],
    "account without a scheme": [f"joe:{S}@proxy:3128", f"netroot=iscsi:joe:{S}:in:{S}@192.0.2.1::3260:1:iqn.x"],
    "parameter of an address": [f"https://h/x?repo=a&token={S}", f"https://h/x?api_key={S}&arch=x"],
    "dnf": [f"password={S}", f"proxy_password = {S} of words {S}", f"password =\n  {S}", f"proxy=http://joe:{S}@h:1"],
    "environment": [f"http_proxy=http://joe:{S}@h", f'Environment="DB_PASSWORD=a {S} phrase" B=c',
                    f"Environment=SMTP_PASS={S}", f"export AWS_SECRET_ACCESS_KEY='{S}'",
                    f"MYSQL_PWD={S} /usr/sbin/telinit q --token={S}"],
    "private key": [f"-----BEGIN PRIVATE KEY-----\n{S}\n-----END PRIVATE KEY-----", f"-----BEGIN OPENSSH PRIVATE KEY-----\n{S}",
                    f"a\n-----BEGIN ENCRYPTED PRIVATE KEY-----\n{S}\n-----END ENCRYPTED PRIVATE KEY-----\nb"],
    "header": [f"Authorization: Basic {S}", f'curl -H "Authorization: Bearer {S}" x', f"curl -H 'X-Auth-Token: {S}' x",
               f"Proxy-Authorization: Digest {S}"],
    "networkd": [f"PrivateKey={S}", f"[WireGuardPeer]\nPresharedKey = {S}", "Key=00112233445566778899aabbccddeeff",
                 f"Password={S}"],
    "NetworkManager": [f"psk={S}", f"wep-key0={S}", f"802-1x.password:{S}", f"private-key-password={S}", f"leap-password={S}"],
    "option": [f"x --password {S}", f"x --token='{S}'", f"sshpass -p {S} ssh h", f"mysql -u root -p{S} x",
               f"['x', '--token', '{S}']", f"curl -u joe:{S} x", f'curl --proxy-user "joe:{S}" x', f"redis-cli -a {S} ping",
               f"smbclient //h/s -U joe%{S}", f"ldapsearch -x -w {S}"],
    "kernel argument": [f"ro systemd.set_credential=a:{S} quiet", f"systemd.setenv=TOKEN={S}", f"rd.iscsi.password={S}"],
    "fstab": [f"//h/s /mnt cifs username=joe,password={S},uid=0 0 0", f"//h/s /mnt cifs credentials=/x,pass={S} 0 0"],
    "plain data": [f'{{"password": "{S}"}}', f"{{'api_key': '{S}', 'a': 1}}", f"db:\n  dbPassword: {S}", f"  - token: {S}"],
    "other files": [f"machine h login joe password {S}", f"bindpw {S}", f': PSK "{S}"', f"rootpw {S}",
                    f"root:$6$salt${S}:1::::::"],
    "form alone": ["AKIAABCDEFGHIJKLMNOP", "ghp_abcdefghijklmnopqrstuvwxyz0123", "eyJhbGciOiJI.eyJzdWIiOiIx.abc"],
}
FINE = (
    "systemd-252-51.el9.x86_64 -> systemd-262.1-1.hs.el9.x86_64", "getty@tty1.service is active: it was not",
    "key 2a01fa2aeb3dac40",
    "https://mirror.example.org:8080/x/@scope/y", "gpgkey=file:///etc/pki/x sslclientkey=/etc/pki/x.key", "user@0.service",
    "the key at file:///etc/pki/rpm-gpg/KEY: its fingerprint is ABC", "system_u:object_r:init_exec_t:s0", "fe80::1@eth0",
    "bypass=1 compass=2 author=me spin=3", "mkdir -p /var/lib/x", "systemctl show -p Id,LoadState", "systemd-run -p MemoryMax=1G",
    "Look at 'journalctl -u centos-hyperscale-1.service'", "auth required pam_unix.so", "root:x:0:0::/root:/bin/sh",
    "authselect: it is not installed", "metalink=https://m/?repo=a&arch=x", "option password of the repository is not set",
    "%post(a-1-1.noarch) scriptlet failed, exit status 1", "0 5 * * * root /usr/bin/tool --user joe",
)


@pytest.mark.parametrize("text", [text for texts in SECRET.values() for text in texts])
def test_what_is_secret_by_its_form_or_name_is_masked(text):
    masked = masking.masked(text)
    assert S not in masked and masked != text and masking.has_secret(text)
    assert masking.MASK in masked and masking.masked(masked) == masked


def test_each_kind_has_further_inputs():
    assert [kind for kind, texts in SECRET.items() if len(texts) < 2] == []


@pytest.mark.parametrize("text", FINE)
def test_what_is_no_secret_stays(text):
    assert masking.masked(text) == text and not masking.has_secret(text)


def test_what_stands_around_a_secret_stays():
    assert masking.masked(f"get https://joe:{S}@host/x failed") == "get https://***@host/x failed"
    assert masking.masked(f"a\npassword={S}\nb") == "a\npassword=***\nb"
    assert masking.masked(f"* * * * * root A_PWD={S} /bin/x") == "* * * * * root A_PWD=*** /bin/x"


def test_known_values_are_masked_wherever_they_stand():
    assert masking.masked(f"access denied ({S})", {S}) == "access denied (***)"
    assert masking.masked(f"{S}more", {S, f"{S}more"}) == "***"


def test_plain_data_is_masked_to_its_depth_and_by_names():
    told = masking.shown({
        "proxy_password": S, "list": [f"token={S}", 1, None, (f"https://{S}@h",)], "key_fingerprints": ["AB"], "deep": {
            "secrets": {"a": S, "n": 2}}, f"token={S}": True})
    assert S not in str(told)
    assert told["list"][1:3] == [1, None] and told["key_fingerprints"] == ["AB"] and told["deep"]["secrets"]["n"] == 2
    assert told["proxy_password"] == masking.MASK


@pytest.mark.parametrize(("name", "value", "values"), [
    ("password", S, [S]), ("MIRROR_TOKEN", S, [S]), ("baseurl", f"https://joe:{S}@h/", [f"joe:{S}", S]),
    ("proxy", f"http://{S}@h", [S, S]), ("PWD", "/root/somewhere", []), ("token_file", "/run/token", []), ("name", S, [])])
def test_which_values_are_secret_wherever_they_stand(name, value, values):
    assert masking.values_of(name, value) == values


@pytest.mark.parametrize("text", [
    "a" * 100000, "a:" * 50000, "-a." * 30000, "password" * 10000, "a=b " * 20000, " -p" * 20000, "\"'" * 20000, "x://" * 20000,
    "token " * 10000, "mysql " * 10000, "login a " * 10000, "a@b:" * 20000, "%3A%2F%2F" * 10000, "key=" * 20000,
    "-----BEGIN PRIVATE KEY-----" * 1000])
def test_a_long_text_of_no_meaning_takes_no_minutes(text):
    began = time.process_time()
    masking.masked(text)
    assert time.process_time() - began < 10

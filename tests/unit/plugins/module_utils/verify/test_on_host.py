# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ground truth on a host: who is affected. Packages are really installed below a folder, beside files that somebody put there."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted import scripts
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.rpmpairs import (
    F, P, config, folder, link, program,
)

SERVICE = "[Unit]\nDescription=tool at work\n[Service]\nExecStart={}\n"
UNIT = "/usr/lib/systemd/system/tool.service"
WANTS = "/etc/systemd/system/multi-user.target.wants/tool.service"
OLD = P(files={"/usr/bin/tool": program(), "/usr/bin/keep": program(), "/usr/share/tool/data": F("data")})
NEW = OLD.next(files={"/usr/bin/keep": program()})
WITH_UNIT = P(files={UNIT: F(SERVICE.format("/usr/bin/keep")), "/usr/bin/keep": program()})
NO_UNIT = WITH_UNIT.next(files={"/usr/bin/keep": program()})


def only(findings, check):
    """Return the one finding of a check."""
    hits = [finding for finding in findings if finding.check == check]
    assert len(hits) == 1, [(finding.check, finding.subject.name) for finding in findings]
    return hits[0]


def names(finding):
    """Return the consumers of a finding by type and name."""
    return sorted({(consumer.type, consumer.name) for consumer in finding.consumers})


def absent(findings, *wanted):
    """Say whether there is no finding of some checks."""
    return not [finding for finding in findings if finding.check in wanted]


USERS = {
    "unit": (lambda w: w.write("/etc/systemd/system/local.service", SERVICE.format("/usr/bin/tool --now")),
             ("unit", "/etc/systemd/system/local.service")),
    "unit with a prefix": (lambda w: w.write("/etc/systemd/system/local.service", SERVICE.format("-+/usr/bin/tool")),
                           ("unit", "/etc/systemd/system/local.service")),
    "drop-in": (lambda w: w.write("/etc/systemd/system/a.service.d/x.conf", "[Service]\nExecStartPre=/usr/bin/tool\n"),
                ("drop-in", "/etc/systemd/system/a.service.d/x.conf")),
    "bare name in a unit": (lambda w: w.write("/etc/systemd/system/local.service", SERVICE.format("tool --now")),
                            ("unit", "local.service")),
    "unit kept in opt": (lambda w: w.write("/opt/app/app.service", SERVICE.format("/usr/bin/tool"))
                         .link("/etc/systemd/system/app.service", "/opt/app/app.service"),
                         ("unit", "/etc/systemd/system/app.service")),
    "unit of another package": (lambda w: w.install(P("friend", files={
        "/usr/lib/systemd/system/friend.service": F(SERVICE.format("/usr/bin/tool"))})),
        ("unit", "/usr/lib/systemd/system/friend.service")),
    "cron": (lambda w: w.write("/etc/cron.d/local", "PATH=/usr/bin\n5 4 * * * root /usr/bin/tool\n"),
             ("cron", "/etc/cron.d/local")),
    "cron by its name": (lambda w: w.write("/etc/cron.d/local", "5 4 * * * root cd / && tool -x\n"),
                         ("cron", "/etc/cron.d/local")),
    "cron of a user": (lambda w: w.write("/var/spool/cron/root", "@daily /usr/bin/tool\n"), ("cron", "/var/spool/cron/root")),
    "script": (lambda w: w.write("/usr/local/bin/s", "#!/bin/sh\nif true; then /usr/bin/tool; fi\n", 0o755),
               ("script", "/usr/local/bin/s")),
    "old name of a path": (lambda w: w.write("/usr/local/bin/s", "#!/bin/sh\n/bin/tool\n", 0o755),
                           ("script", "/usr/local/bin/s")),
    "shebang": (lambda w: w.write("/usr/local/bin/s", "#!/usr/bin/tool -f\n1\n", 0o755), ("script", "/usr/local/bin/s")),
    "link": (lambda w: w.link("/usr/local/bin/t", "/usr/bin/tool"), ("link", "/usr/local/bin/t")),
    "relative link": (lambda w: w.link("/usr/local/bin/t", "../../bin/tool"), ("link", "/usr/local/bin/t")),
    "process": (lambda w: w.process(123, "/usr/bin/tool", "/usr/lib64/libc.so.6"), ("process", "tool")),
    "sudo rule": (lambda w: w.write("/etc/sudoers.d/x", "joe ALL=(root) NOPASSWD: /usr/bin/tool\n"),
                  ("configuration", "/etc/sudoers.d/x")),
    "udev rule": (lambda w: w.write("/etc/udev/rules.d/9-x.rules", 'ACTION=="add", RUN+="/usr/bin/tool %k"\n'),
                  ("udev rule", "/etc/udev/rules.d/9-x.rules")),
    "package": (lambda w: w.install(P("friend", requires=("/usr/bin/tool",))), ("package", "friend-1-1.x86_64")),
    "package by the old name": (lambda w: w.install(P("friend", requires=("/bin/tool",))), ("package", "friend-1-1.x86_64")),
}
NO_USERS = {
    "comment in a unit": lambda w: w.write("/etc/systemd/system/local.service",
                                           "# /usr/bin/tool\n" + SERVICE.format("/usr/bin/keep")),
    "description of a unit": lambda w: w.write("/etc/systemd/system/local.service", SERVICE.format("/usr/bin/keep tool")),
    "comment in a table": lambda w: w.write("/etc/cron.d/local", "#5 4 * * * root /usr/bin/tool\n"),
    "comment in a script": lambda w: w.write("/usr/local/bin/s", "#!/bin/sh\necho # /usr/bin/tool\n", 0o755),
    "word in a script": lambda w: w.write("/usr/local/bin/s", "#!/bin/sh\necho tool\n", 0o755),
    "another folder": lambda w: w.write("/etc/cron.d/local", "5 4 * * * root /opt/x/bin/tool\n"),
    "longer name": lambda w: w.write("/usr/local/bin/s", "#!/bin/sh\n/usr/bin/tool-set\n/usr/bin/tool.d/x\n", 0o755),
    "link to another": lambda w: w.link("/usr/local/bin/t", "/usr/bin/keep"),
    "process of another": lambda w: w.process(123, "/usr/bin/keep"),
    "package that wants another": lambda w: w.install(P("friend", requires=("/usr/bin/keep",))),
    "nothing": lambda w: w,
}


@pytest.mark.parametrize("name", USERS)
def test_who_uses_a_command_that_goes_is_named(world, name):
    world.install(OLD)
    put, consumer = USERS[name]
    put(world)
    hit = only(world.predict((OLD,), (NEW,)), "file.removed")
    assert hit.subject[:2] == ("path", "/usr/bin/tool")
    assert names(hit) == [consumer]
    assert (hit.severity, hit.blocking) == ("high", False)


@pytest.mark.parametrize("name", NO_USERS)
def test_who_does_not_use_it_is_not_named(world, name):
    world.install(OLD)
    NO_USERS[name](world)
    hit = only(world.predict((OLD,), (NEW,)), "file.removed")
    assert (names(hit), hit.severity, hit.blocking) == ([], "low", False)


def test_what_the_swap_itself_replaces_uses_nothing(world):
    old = P(files={
        "/usr/bin/tool": program(), UNIT: F(SERVICE.format("/usr/bin/tool")), "/usr/bin/alias": link("tool"),
        "/etc/cron.d/tool": config("1 1 * * * root /usr/bin/tool\n", "noreplace")})
    mended = {UNIT: F(SERVICE.format("/usr/bin/tool2")), "/usr/bin/tool2": program(), "/usr/bin/alias": link("tool2"),
              "/etc/cron.d/tool": config("1 1 * * * root /usr/bin/tool2\n", "noreplace")}
    world.install(old)
    assert names(only(world.predict((old,), (old.next(files=mended),)), "file.removed")) == []
    # What the new build brings unchanged still calls it.
    forgotten = {**mended, UNIT: old.files[UNIT]}
    assert names(only(world.predict((old,), (old.next(files=forgotten),)), "file.removed")) == [("unit", UNIT)]
    # And what was edited here stays.
    world.write("/etc/cron.d/tool", "2 2 * * * root /usr/bin/tool\n")
    assert names(only(world.predict((old,), (old.next(files=mended),)), "file.removed")) == [("cron", "/etc/cron.d/tool")]


def test_an_enabled_unit_that_vanishes_blocks(world):
    world.install(WITH_UNIT).link(WANTS, UNIT)
    hit = only(world.predict((WITH_UNIT,), (NO_UNIT,)), "unit.vanished")
    assert (hit.severity, hit.blocking, names(hit)) == ("high", True, [("link", WANTS)])


def test_a_unit_that_nobody_enabled_vanishes_quietly(world):
    world.install(WITH_UNIT)
    hit = only(world.predict((WITH_UNIT,), (NO_UNIT,)), "unit.vanished")
    assert (hit.severity, hit.blocking, names(hit)) == ("low", False, [])


@pytest.mark.parametrize("put", [
    lambda w: w.write("/etc/systemd/system/tool.service", SERVICE.format("/usr/bin/keep")),
    lambda w: w.link("/etc/systemd/system/tool.service", "/opt/app/tool.service"),
    lambda w: w.link("/etc/systemd/system/tool.service", "/dev/null"),
], ids=["full copy", "link to its own", "mask"])
def test_a_unit_that_the_host_replaced_is_not_missed(world, put):
    world.install(WITH_UNIT).link(WANTS, UNIT)
    put(world)
    hit = only(world.predict((WITH_UNIT,), (NO_UNIT,)), "unit.vanished")
    assert (hit.severity, hit.blocking, names(hit)) == ("low", False, [])


def test_a_unit_that_moves_within_the_new_builds_is_silent(world):
    world.install(WITH_UNIT).link(WANTS, UNIT)
    assert absent(world.predict((WITH_UNIT,), (WITH_UNIT.next(),)), "unit.vanished")
    moved = {"/lib/systemd/system/tool.service": WITH_UNIT.files[UNIT], "/usr/bin/keep": program()}
    assert absent(world.predict((WITH_UNIT,), (WITH_UNIT.next(files=moved),)), "unit.vanished")


@pytest.mark.parametrize(("put", "consumer"), [
    (lambda w: w.write("/etc/systemd/system/local.service", "[Unit]\nRequires=tool.service\n"),
     ("unit", "/etc/systemd/system/local.service")),
    (lambda w: w.link("/etc/systemd/system/alias.service", UNIT), ("link", "/etc/systemd/system/alias.service")),
    (lambda w: w.link("/etc/systemd/system/tool.service", UNIT), ("link", "/etc/systemd/system/tool.service")),
    (lambda w: w.write("/etc/systemd/system/tool.service.d/x.conf", "[Service]\nNice=1\n"),
     ("drop-in", "/etc/systemd/system/tool.service.d/x.conf")),
    (lambda w: w.write("/usr/local/bin/s", "#!/bin/sh\nsystemctl start tool.service\n", 0o755), ("script", "/usr/local/bin/s")),
], ids=["required", "alias", "link of its name", "drop-in", "script"])
def test_who_needs_a_unit_is_named(world, put, consumer):
    world.install(WITH_UNIT)
    put(world)
    hit = only(world.predict((WITH_UNIT,), (NO_UNIT,)), "unit.vanished")
    assert (hit.severity, hit.blocking) == ("high", True)
    assert consumer in names(hit)


def test_who_only_orders_itself_by_a_unit_does_not_need_it(world):
    world.install(WITH_UNIT).write("/etc/systemd/system/local.service", "[Unit]\nAfter=tool.service\n")
    hit = only(world.predict((WITH_UNIT,), (NO_UNIT,)), "unit.vanished")
    assert (hit.severity, hit.blocking) == ("medium", False)


def test_an_instance_of_a_template_counts(world):
    template = "/usr/lib/systemd/system/tool@.service"
    old = P(files={template: F(SERVICE.format("/usr/bin/keep %i"))})
    world.install(old)
    assert not only(world.predict((old,), (P(version="2"),)), "unit.vanished").blocking
    instance = "/etc/systemd/system/multi-user.target.wants/tool@a.service"
    world.link(instance, template)
    hit = only(world.predict((old,), (P(version="2"),)), "unit.vanished")
    assert hit.blocking and names(hit) == [("link", instance)]


def test_a_unit_of_the_users_manager(world):
    path, wants = "/usr/lib/systemd/user/tool.service", "/etc/systemd/user/default.target.wants/tool.service"
    old = P(files={path: F(SERVICE.format("/usr/bin/keep"))})
    world.install(old).link(WANTS, UNIT)  # of the same name, of the other manager
    assert not only(world.predict((old,), (P(version="2"),)), "unit.vanished").blocking
    world.link(wants, path)
    hit = only(world.predict((old,), (P(version="2"),)), "unit.vanished")
    assert hit.blocking and names(hit) == [("link", wants)]


def test_a_running_unit_counts(world):
    world.install(WITH_UNIT)
    world.answers["systemctl"] = (
        0, "Id=tool.service\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=disabled\n")
    hit = only(world.predict((WITH_UNIT,), (NO_UNIT,)), "unit.vanished")
    assert hit.blocking and ("unit", "tool.service") in names(hit)


def test_a_package_that_stays_and_needs_what_goes(world):
    old = P("libx", provides=("libx.so.1()(64bit)", "speech = 5"), files={"/usr/lib64/libx.so.1": program()})
    new = P("libx", "2", provides=("libx.so.2()(64bit)", "speech = 4"), files={"/usr/lib64/libx.so.2": program()})
    stays = P("friend", requires=("libx.so.1()(64bit)", "speech >= 5"))
    world.install(old, stays, P("stranger", requires=("speech",)))
    findings = world.predict((old,), (new,))
    for check in ("soname.lost", "provides.lowered"):
        hit = only(findings, check)
        assert (hit.severity, hit.blocking, names(hit)) == ("high", True, [("package", "friend-1-1.x86_64")])
    # With the package moved along, or another that provides the same, nobody is hurt.
    hit = only(world.predict((old, stays), (new, stays.next(requires=()))), "soname.lost")
    assert (hit.severity, hit.blocking, names(hit)) == ("medium", False, [])
    world.install(P("compat", provides=("libx.so.1()(64bit)", "speech = 5")))
    findings = world.predict((old,), (new,))
    assert absent(findings, "soname.lost")
    assert not only(findings, "provides.lowered").blocking


def test_a_capability_that_went_into_a_subpackage_on_offer(world):
    old = OLD.like(provides=("speech",))
    world.install(old, P("friend", requires=("speech",)))
    findings = world.predict((old,), (old.next(provides=()),), (P("tool-extra", "2", provides=("speech",)),))
    hit = only(findings, "file.needs_subpackage")
    assert hit.subject == ("capability", "speech", "", "tool-extra")
    assert hit.blocking and names(hit) == [("package", "friend-1-1.x86_64")]
    assert absent(findings, "provides.lost")


def test_a_required_path_that_goes(world):
    world.install(OLD, P("friend", requires=("/usr/share/tool/data",)))
    hit = only(world.predict((OLD,), (NEW,)), "path.required_lost")
    assert (hit.severity, hit.blocking, names(hit)) == ("high", True, [("package", "friend-1-1.x86_64")])
    promising = NEW.like(provides=("/usr/share/tool/data",))
    assert absent(world.predict((OLD,), (promising,)), "path.required_lost")


def test_files_that_move_within_a_merged_usr_are_silent(world):
    old = P(files={"/usr/sbin/tool": program()})
    new = old.next(files={"/usr/bin/tool": program()})
    world.mkdir("/usr/bin").link("/usr/sbin", "bin").install(old)
    world.write("/etc/cron.d/local", "5 4 * * * root /usr/sbin/tool\n")
    assert absent(world.predict((old,), (new,)), "file.removed", "file.moved", "files.removed")


def test_the_same_move_on_a_host_with_two_folders_is_told(world):
    old = P(files={"/usr/sbin/tool": program()})
    new = old.next(files={"/usr/bin/tool": program()})
    world.mkdir("/usr/bin").install(old).write("/etc/cron.d/local", "5 4 * * * root /usr/sbin/tool\n")
    hit = only(world.predict((old,), (new,)), "file.moved")
    assert (hit.severity, hit.after, names(hit)) == ("medium", "/usr/bin/tool", [("cron", "/etc/cron.d/local")])


def test_a_file_that_went_into_a_subpackage_on_offer(world):
    world.install(OLD).write("/etc/cron.d/local", "5 4 * * * root /usr/bin/tool\n")
    extra = P("tool-extra", "2", files={"/usr/bin/tool": program()})
    findings = world.predict((OLD,), (NEW,), (extra,))
    hit = only(findings, "file.needs_subpackage")
    assert hit.subject == ("path", "/usr/bin/tool", "", "tool-extra")
    assert (hit.severity, hit.blocking, names(hit)) == ("high", True, [("cron", "/etc/cron.d/local")])
    assert hit.remediations[0].content == "Have tool-extra as well"
    assert absent(findings, "file.removed")
    assert absent(world.predict((OLD,), (NEW, extra)), "file.needs_subpackage", "file.removed")


def test_a_unit_that_went_into_a_subpackage_on_offer(world):
    world.install(WITH_UNIT).link(WANTS, UNIT)
    findings = world.predict((WITH_UNIT,), (NO_UNIT,), (P("tool-extra", "2", files={UNIT: WITH_UNIT.files[UNIT]}),))
    hit = only(findings, "file.needs_subpackage")
    assert (hit.subject, hit.blocking) == (("unit", "tool.service", "", "tool-extra"), True)
    assert absent(findings, "unit.vanished")


PAM = P(files={"/usr/lib64/security/pam_tool.so": program(), "/usr/lib64/libnss_tool.so.2": program()})


def test_login_modules_in_use(world):
    world.install(PAM).write("/etc/pam.d/sshd", "auth required pam_tool.so debug\n")
    world.write("/etc/nsswitch.conf", "passwd: files [NOTFOUND=continue] tool\nhosts: files dns\n")
    hits = [finding for finding in world.predict((PAM,), (P(version="2"),)) if finding.check == "auth_module.lost"]
    assert [(hit.subject.name, hit.blocking, names(hit)) for hit in hits] == [
        ("pam_tool.so", True, [("configuration", "/etc/pam.d/sshd")]), ("tool", True, [("configuration", "/etc/nsswitch.conf")])]


def test_login_modules_that_are_named_nowhere(world):
    world.install(PAM).write("/etc/pam.d/sshd", "#auth required pam_tool.so\nauth required pam_tool.so.bak\n")
    world.write("/etc/nsswitch.conf", "tool: files\npasswd: files tools # tool\n")
    hits = [finding for finding in world.predict((PAM,), (P(version="2"),)) if finding.check == "auth_module.lost"]
    assert [(hit.severity, hit.blocking) for hit in hits] == [("low", False), ("low", False)]


REGISTER = "update-alternatives --install /usr/bin/editor editor /usr/bin/tool {} --slave /usr/bin/ed ed /usr/bin/keep"
# As the packages of EL write it.
BY_VARIABLES = """\
[ "$excluded" = 1 ] || pages=true
tool=/usr/bin/tool
/usr/sbin/update-alternatives --install /usr/bin/editor editor $tool {} \\
    --slave /usr/bin/ed ed /usr/bin/keep ${{pages:+--slave /usr/share/man/man1/ed.1.gz ed-man $tool.1.gz}}
"""


@pytest.mark.parametrize("register", [REGISTER, BY_VARIABLES], ids=["plain", "variables"])
def test_alternatives_in_use(world, register):
    old = OLD.like(scripts={"post": register.format(10)})
    new = old.next(scripts={"post": register.format(20)})
    world.install(old)
    assert only(world.predict((old,), (new,)), "alternatives.changed").severity == "low"
    world.link("/etc/alternatives/editor", "/usr/bin/tool")
    hit = only(world.predict((old,), (new,)), "alternatives.changed")
    assert (hit.severity, hit.blocking, names(hit)) == ("high", False, [("alternatives", "editor")])
    assert absent(world.predict((old,), (old.next(),)), "alternatives.changed")


@pytest.mark.parametrize("command", [
    "alternatives --install /usr/bin/editor editor $(readlink /usr/bin/tool) 10",
    "alternatives --install /usr/bin/editor editor 'to\nol' 10", "alternatives --install $1"])
def test_what_a_scriptlet_registers_by_the_host_is_unknown(world, command):
    old, new = OLD.like(scripts={"post": REGISTER.format(10)}), OLD.next(scripts={"post": f"{REGISTER.format(10)}\n{command}"})
    world.install(old)
    swap = world.swap((old,), (new,), ())
    assert list(scripts.alternatives(swap)) == [] and list(swap.view.noted.all) == ["alternatives"]
    # What both builds do is no change, whatever it is.
    same = world.swap((new,), (new.next(),), ())
    assert list(scripts.alternatives(same)) == [] and list(same.view.noted.all) == []


@pytest.mark.parametrize(("folder", "mode", "chosen", "by_hand"), [
    ("/var/lib/alternatives", "manual", "/opt/vi", True),
    ("/etc/alternatives-admindir", "manual", "/opt/vi", True),
    # Somebody led the link elsewhere: alternatives takes the family for one that was set by hand.
    ("/var/lib/alternatives", "auto", "/opt/vi", True),
    ("/var/lib/alternatives", "auto", "/usr/bin/tool", False),
    ("/var/lib/alternatives", "damaged", "/usr/bin/tool", False),
])
def test_an_alternative_that_was_set_by_hand(world, folder, mode, chosen, by_hand):
    old = OLD.like(scripts={"post": REGISTER.format(10)})
    state = f"{mode}\n/usr/bin/editor\n\n/usr/bin/tool\n0x10\n/opt/vi\n5\n"
    world.install(old).link("/etc/alternatives/editor", chosen).write(f"{folder}/editor", state)
    hit = only(world.predict((old,), (old.next(scripts={}),)), "alternatives.changed")
    assert hit.severity == "high" and ("set by hand" in hit.consumers[0].detail) == by_hand


def test_a_trigger_of_a_package_that_stays(world):
    old = (OLD, P("tool-extra"))
    world.install(*old, P("friend", scripts={"triggerin -- tool-extra": "echo", "triggerun -- bash": "echo"}))
    hit = only(world.predict(old, (OLD.next(),)), "trigger.changed")
    assert hit.subject == ("trigger", "tool-extra", "trigger", "friend")
    assert (hit.severity, names(hit)) == ("medium", [("package", "friend-1-1.x86_64")])
    assert absent(world.predict(old, (OLD.next(), P("tool-extra", "2"))), "trigger.changed")


def test_conflicts_and_obsoletes_that_meet_somebody(world):
    world.install(OLD, P("dracut", "57"), P("spade", "2"), P("shovel", "9", provides=("spade = 2",)))
    findings = world.predict((OLD,), (OLD.next(conflicts=("dracut < 59",), obsoletes=("spade < 3",)),))
    hit = only(findings, "conflict.gained")
    assert (hit.severity, hit.blocking, names(hit)) == ("high", True, [("package", "dracut-57-1.x86_64")])
    # rpm obsoletes by name, so that who only provides it stays.
    hit = only(findings, "obsoletes.gained")
    assert (hit.severity, hit.blocking, names(hit)) == ("high", False, [("package", "spade-2-1.x86_64")])
    findings = world.predict((OLD,), (OLD.next(conflicts=("dracut < 50",), obsoletes=("spade < 1",)),))
    assert {(f.check, f.severity, f.blocking) for f in findings if f.check.endswith(".gained")} == {
        ("conflict.gained", "info", False), ("obsoletes.gained", "info", False)}


def test_a_bound_that_follows_the_own_version_and_meets_somebody(world):
    old = OLD.like(conflicts=("plugin < %{version}",))
    world.install(old, P("plugin", "1.5"))
    assert only(world.predict((old,), (old.next(),)), "conflict.gained").blocking
    assert absent(world.predict((old,), (old.next(version="1.2"),)), "conflict.gained")


def test_a_subpackage_that_vanishes_and_is_required(world):
    old = (OLD, P("tool-extra"))
    world.install(*old, P("friend", requires=("tool-extra",)))
    hit = only(world.predict(old, (OLD.next(),)), "subpackage.vanished")
    assert (hit.severity, names(hit)) == ("high", [("package", "friend-1-1.x86_64")])


def test_a_folder_that_is_in_the_way(world):
    old = P(files={"/usr/share/tool": folder()})
    new = old.next(files={"/usr/share/tool": link("shed"), "/usr/share/shed": folder()})
    world.install(old)
    hit = only(world.predict((old,), (new,)), "file.type_changed")
    assert (hit.severity, hit.blocking, names(hit)) == ("high", True, [("folder", "/usr/share/tool")])
    clearing = new.like(scripts={"pretrans -p <lua>": 'path = "/usr/share/tool"\nos.rename(path, path .. ".old")'})
    hit = only(world.predict((old,), (clearing,)), "file.type_changed")
    assert (hit.severity, hit.blocking, names(hit)) == ("medium", False, [])
    (world.folder / "usr/share/tool").rmdir()
    world.link("/usr/share/tool", "shed")
    assert not only(world.predict((old,), (new,)), "file.type_changed").blocking


def test_a_command_that_becomes_a_link_hurts_who_uses_it_only_when_it_leads_nowhere(world):
    world.install(OLD).write("/etc/cron.d/local", "5 4 * * * root /usr/bin/tool\n")
    good = OLD.next(files={"/usr/bin/tool": link("keep"), "/usr/bin/keep": program()})
    hit = only(world.predict((OLD,), (good,)), "file.type_changed")
    assert (hit.severity, hit.blocking) == ("low", False)
    bad = OLD.next(files={"/usr/bin/tool": link("/opt/tool"), "/usr/bin/keep": program()})
    hit = only(world.predict((OLD,), (bad,)), "file.type_changed")
    assert (hit.severity, hit.blocking, names(hit)) == ("high", True, [("cron", "/etc/cron.d/local")])


def test_configuration_that_was_edited(world):
    old = P(files={"/etc/tool.conf": config("a", "noreplace")})
    other, weaker = old.next(files={"/etc/tool.conf": config("b", "noreplace")}), old.next(files={"/etc/tool.conf": config("a")})
    world.install(old)
    hit = only(world.predict((old,), (other,)), "config.default_changed")
    assert (hit.severity, names(hit)) == ("medium", [("configuration", "/etc/tool.conf")])
    assert only(world.predict((old,), (weaker,)), "config.flags_changed").severity == "low"
    world.write("/etc/tool.conf", "mine")
    hit = only(world.predict((old,), (other,)), "config.default_changed")
    assert (hit.severity, names(hit)) == ("low", [])
    hit = only(world.predict((old,), (weaker,)), "config.flags_changed")
    assert (hit.severity, names(hit)) == ("medium", [("configuration", "/etc/tool.conf")])


def test_an_activation_name_in_use(world):
    old = P(files={"/usr/share/dbus-1/system-services/org.example.tool.service": F()})
    world.install(old)
    assert only(world.predict((old,), (P(version="2"),)), "activation.lost").severity == "low"
    world.write("/usr/local/bin/s", "#!/bin/sh\nbusctl call org.example.tool / a b\n", 0o755)
    hit = only(world.predict((old,), (P(version="2"),)), "activation.lost")
    assert (hit.severity, names(hit)) == ("high", [("script", "/usr/local/bin/s")])


def test_a_version_and_a_changelog_are_all_that_differs_on_a_busy_host(world):
    old = P(requires=("tool-libs = %{version}-%{release}",), provides=("libx.so.1()(64bit)",), files={
        **OLD.files, UNIT: F(SERVICE.format("/usr/bin/tool")), "/etc/tool.conf": config("a", "noreplace"),
        "/usr/lib64/libx.so.1": link("libx.so.1.1"), "/usr/lib64/libx.so.1.1": program(), "/usr/bin/alias": link("tool")})
    libs = P("tool-libs", requires=("tool = %{version}-%{release}",))
    new = old.next(files={**{path: file for path, file in old.files.items() if "libx" not in path},
                          "/usr/lib64/libx.so.1": link("libx.so.1.2"), "/usr/lib64/libx.so.1.2": program()})
    world.install(old, libs, P("friend", requires=("libx.so.1()(64bit)", "/usr/bin/tool", "tool")))
    world.link(WANTS, UNIT).write("/etc/tool.conf", "mine").write("/etc/cron.d/a", "1 1 * * * root tool\n")
    world.process(7, "/usr/bin/tool", "/usr/lib64/libx.so.1.1").systemd(tool_service="active enabled")
    assert world.predict((old, libs), (new, libs.next())) == []

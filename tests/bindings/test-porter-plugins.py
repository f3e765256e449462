#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The plugins that Porter shipped, each with its keys and flags, hosted by the real worker."""
import os
import sys
import tempfile
import unittest

from worker_host import Host, main

STAGE = {"destpath": "/srv/shop", "stagedir": "/srv/shop/releases/7", "version": "2"}


class Deployment(Host):
    """Runs a plugin of Porter's for a module in a temporary folder and records what it does."""

    def __init__(self, plugin, settings=None, args=None, ini=None, files=None):
        super().__init__()
        self.plugin, self.settings = plugin, settings or {}
        self.folder = tempfile.TemporaryDirectory()
        for name, text in (files or {}).items():
            path = os.path.join(self.folder.name, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        self.info = {"modulename": "shop", "moduledir": self.folder.name, "destpath": "/srv/shop",
                     "config": "live", "host": "web", "release": "stable", "args": args or {},
                     "config_dir": os.path.join(self.folder.name, "config", "live"),
                     "ini": dict(ini or {}, **{"plugin:" + plugin: self.settings})}
        self.status = {}     # beginning of a command -> exit status
        self.commands = []   # as text, "sudo " before those that run as root, input after "<"

    def __enter__(self):
        super().__enter__()
        self.services["deploy.run"] = self.run
        for name in ("copy", "copy_config"):
            self.services["deploy." + name] = lambda params, name=name: self.commands.append(
                "%s %s -> %s" % (name, self.short(params.get("source") or params["file"]),
                                 params.get("destination")))
        self.answer = self.activate(self.plugin, settings=self.settings, info=self.info)
        return self

    def __exit__(self, *unused):
        super().__exit__(*unused)
        self.folder.cleanup()

    def short(self, path):
        return path.replace(self.folder.name + "/", "")

    def run(self, params):
        line = " ".join(params["argv"]) if "argv" in params else " ".join(params["script"].split())
        status = next((self.status[key] for key in self.status if line.startswith(key)), 0)
        text = ("sudo " if params.get("sudo") else "") + line
        self.commands.append(text + (" <" + params["input"] if "input" in params else ""))
        return {"status": status, "stdout": "", "stderr": ""}

    def signal(self, name, data=STAGE):
        answers = [self.handle(row["handler"], name, data) for row in self.answer["handlers"]
                   if row["signal"] == name]
        for answer in answers:
            assert answer["verdict"] == "continue", answer
        return answers

    def options(self):
        answer = self.call("plugin.describe", {"plugin": self.plugin, "entry": self.plugin,
                                               "path": None})
        return [row["name"] for row in answer["options"]]


class Crontab(unittest.TestCase):
    PLUGIN = "porter.plugins.crontab"
    FILES = {"crontab/shop.crontab": "0 4 * * * true", "jobs.crontab": "@daily true\n"}

    def test_installs_with_its_flag(self):
        with Deployment(self.PLUGIN, args={"update_crontab": True}, files=self.FILES) as job:
            self.assertEqual(job.options(), ["update-crontab"])
            job.signal("deploy.finish")
            self.assertEqual(job.commands, ["crontab - <0 4 * * * true\n"])

    def test_file_from_the_settings(self):
        with Deployment(self.PLUGIN, {"file": "jobs"}, {"update-crontab": True},
                        files=self.FILES) as job:
            job.signal("deploy.finish")
            self.assertEqual(job.commands, ["crontab - <@daily true\n"])

    def test_leaves_it_alone_without(self):
        with Deployment(self.PLUGIN, files=self.FILES) as job:
            job.signal("deploy.finish")
            self.assertEqual(job.commands, [])


class Supervisor(unittest.TestCase):
    PLUGIN = "porter.plugins.supervisor"
    FILES = {"supervisor/shop.conf": "[program:shop]\ncommand=__env__/bin/run\n"}

    def test_stops_and_starts(self):
        with Deployment(self.PLUGIN, {"group_name": "mall"}) as job:
            self.assertEqual(job.options(), ["update-launcher"])
            job.status["supervisorctl stop"] = 1  # there is no group yet
            job.signal("deploy.start")
            job.signal("deploy.finish")
            self.assertEqual(job.commands, ["supervisorctl stop mall:*",
                                            "supervisorctl start mall:*"])

    def test_installs_the_launcher_and_tells_others(self):
        with Deployment(self.PLUGIN, {"use_sudo": "yes"}, {"update-launcher": True},
                        files=self.FILES) as job:
            job.services["signal.emit"] = lambda params: {"verdict": "continue", "shared": False}
            job.signal("deploy.finish")
            path = "/etc/supervisor/conf.d/shop.conf"
            self.assertEqual(job.commands, [
                "sudo umask 022 && cat > %s.hookrun-new && mv -f %s.hookrun-new %s <%s"
                % (path, path, path, self.FILES["supervisor/shop.conf"]),
                "sudo supervisorctl update", "sudo supervisorctl start shop:*"])
            emitted = dict(job.asked)["signal.emit"]
            self.assertEqual((emitted["signal"], emitted["data"]), (
                "supervisor-launcher-updated", {"launcher": path, "use_sudo": True}))

    def test_starts_again_when_the_deployment_failed(self):
        with Deployment(self.PLUGIN) as job:
            job.signal("deploy.start")
            job.signal("deploy.failed")
            job.signal("rollback.finish")
            self.assertEqual(job.commands, [
                "supervisorctl stop shop:*", "supervisorctl start shop:*",
                "supervisorctl restart shop:*"])

    def test_a_group_that_does_not_start_fails_the_deployment(self):
        with Deployment(self.PLUGIN) as job:
            job.status["supervisorctl start"] = 7
            answer = job.handle("deploy.finish/porter.plugins.supervisor", "deploy.finish", STAGE)
            self.assertEqual(answer["verdict"], "failed")
            self.assertIn("did not start shop:*", answer["error"]["message"])


class Uwsgi(unittest.TestCase):
    PLUGIN = "porter.plugins.uwsgi"

    def test_vassals_and_reload(self):
        settings = {"emperor": "1", "launcher": "shop.ini, admin.ini", "vassals_dir": "/etc/vassals",
                    "pid_dir": "/run/uwsgi", "copy_domains": "1"}
        with Deployment(self.PLUGIN, settings,
                        {"restart": True, "update-vassal-launcher": True}) as job:
            self.assertEqual(job.options(), ["restart", "update-vassal-launcher"])
            job.status["test -d"] = 1
            job.signal("source.post-send")
            job.signal("deploy.finish")
            self.assertEqual([row for row in job.commands if not row.startswith("test")], [
                "copy_config domains.txt -> None",
                "copy uwsgi/shop.ini -> /etc/vassals/shop.ini",
                "uwsgi --reload /run/uwsgi/shop.pid",
                "copy uwsgi/admin.ini -> /etc/vassals/admin.ini",
                "uwsgi --reload /run/uwsgi/admin.pid"])

    def test_nothing_without_flags(self):
        with Deployment(self.PLUGIN, {"emperor": "1", "launcher": "shop.ini"}) as job:
            job.signal("source.post-send")
            job.signal("deploy.finish")
            self.assertEqual(job.commands, [])


class Python(unittest.TestCase):
    def test_compiled_files_are_deleted(self):
        with Deployment("porter.plugins.python.base") as job:
            job.signal("source.post-send")
            self.assertEqual(job.commands,
                             ["find /srv/shop/releases/7 -type f -name *.pyc -delete"])


class Virtualenv(unittest.TestCase):
    PLUGIN = "porter.plugins.python.virtualenv"
    SETTINGS = {"path": "/srv/my env", "requirements": "file:__destpath__/req.txt,six==1.16"}
    INSTALL = ("/srv/my env/bin/pip install -r /srv/shop/releases/7/req.txt six==1.16")

    def test_new_environment(self):
        with Deployment(self.PLUGIN, self.SETTINGS) as job:
            self.assertEqual(job.options(), ["update-requirements"])
            job.status["test -e"] = 1
            job.signal("source.post-send")
            self.assertEqual(job.commands[0], "test -e /srv/my env/bin/python")
            self.assertIn("python3 -m venv '/srv/my env'", job.commands[1])
            self.assertEqual(job.commands[2:], [self.INSTALL])

    def test_old_environment(self):
        with Deployment(self.PLUGIN, self.SETTINGS) as job:
            job.signal("source.post-send")
            self.assertEqual(job.commands, ["test -e /srv/my env/bin/python"])
        with Deployment(self.PLUGIN, self.SETTINGS, {"update-requirements": True}) as job:
            job.signal("source.post-send")
            self.assertEqual(job.commands[1:], [self.INSTALL])

    def test_fills_launchers(self):
        with Deployment(self.PLUGIN, self.SETTINGS) as job:
            job.signal("supervisor-launcher-updated", {"launcher": "/etc/x.conf", "use_sudo": True})
            self.assertEqual(job.commands, [
                "sudo test -e /etc/x.conf",
                r"sudo sed -i -e s/__env__/\/srv\/my env/g -e s/__project__/\/srv\/shop\/current/g "
                "/etc/x.conf"])


class Django(unittest.TestCase):
    PLUGIN = "porter.plugins.python.django"
    SETTINGS = {"settings_file": "local_settings.py", "settings_dir": "mall"}
    FILES = {"config/live/local_settings.py": "DEBUG = False\n"}
    INI = {"plugin:porter.plugins.python.virtualenv": {"path": "/srv/env"}}

    def test_settings(self):
        with Deployment(self.PLUGIN, self.SETTINGS, files=self.FILES) as job:
            self.assertEqual(job.options(), ["migrate-database"])
            job.status["test -d"] = 1
            job.signal("source.post-send")
            self.assertEqual(job.commands, [
                "find /srv/shop/releases/7 -type f -name *.pyc -delete",
                "test -d /srv/shop/releases/7/mall/local_settings.py",
                "copy_config local_settings.py -> "
                "/srv/shop/releases/7/mall/local_settings.py"])

    def test_migrations(self):
        with Deployment(self.PLUGIN, self.SETTINGS, {"migrate-database": True},
                        ini=self.INI) as job:
            job.services["signal.emit"] = lambda params: {"verdict": "continue", "shared": False}
            job.signal("source.post-send")
            self.assertEqual(job.commands[-1],
                             "cd /srv/shop/releases/7 && DJANGO_SETTINGS_MODULE=mall.local_settings "
                             "/srv/env/bin/python manage.py migrate --noinput")
            self.assertEqual(dict(job.asked)["signal.emit"]["signal"], "django-syncdb")

    def test_migrations_can_be_forbidden(self):
        with Deployment(self.PLUGIN, {"migrate": "0"}, {"migrate-database": True}) as job:
            job.signal("source.post-send")
            self.assertEqual(len(job.commands), 1)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__], "porter-plugins"))

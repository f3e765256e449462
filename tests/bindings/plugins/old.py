# SPDX-License-Identifier: LGPL-2.1-or-later
"""A deployment file as people wrote them for Porter."""
from porter.core.module import (SIG_DEPLOY, SIG_DEPLOY_FINISH, SIG_DEPLOY_START,
                                SIG_SOURCE_POST_SEND, SIG_SOURCE_PRE_SEND, SIG_SOURCE_SEND)
from porter.plugins.base import BasePlugin
from porter.tools.rsync import rsync
from porter.tools.run import run
from porter.tools.scp import copy_config_file, scp
from porter.tools.sed import sed_replace


class Plugin(BasePlugin):
    def command_line_args(self, group):
        group.add_argument('--fast-lane', '-fl', action='store_true', default=False, help='Go fast')
        group.add_argument('--level', type=int, default=3)

    def register_signal_handlers(self, module):
        super(Plugin, self).register_signal_handlers(module)
        module.push_signal_handler(SIG_DEPLOY_START, self.start)
        module.push_signal_handler(SIG_SOURCE_POST_SEND, self.post_send)
        module.replace_signal_handler(SIG_SOURCE_SEND, self.send)
        module.push_signal_handler(SIG_DEPLOY, self.whole)
        module.push_signal_handler('my-signal', self.mine)
        module.push_signal_handler(SIG_SOURCE_PRE_SEND, self.popped)
        module.pop_signal_handler(SIG_SOURCE_PRE_SEND)
        module.push_signal_handler(SIG_DEPLOY_FINISH, self.finish)

    def start(self, module):
        print(module.modulename, module.moduledir, module.destpath, module.livepath,
              module.version, module.get_config_dir(), module.depends, module.plugins(),
              module.config.get('module', 'path'), module.project.name)
        args = module.project.args
        print(args['fast-lane'], args['fast_lane'], args['level'], args['host'], args['config'])
        print(self.get_config_value(module, 'color', 'none'),
              self.get_config_value(module, 'missing', 'none'),
              module.get_config_value('module', 'path'))

    def send(self, module, *args, **kwargs):
        rsync('./', 'me@host:/srv/x', {'--progress': True, '--exclude': '.git*', '-v': False})

    def post_send(self, module):
        scp('%s/a b.txt' % module.moduledir, '/tmp')
        copy_config_file(module, 'local_settings.py')
        copy_config_file(module, 'local_settings.py', '/etc/shop/')
        sed_replace({'env': '/srv/a&b/c\\d'}, '/etc/x.conf', use_sudo=True)
        result = run('uname -a', check=False)
        module.event.data['uname'] = '%s %d' % (result, result.return_code)

    def whole(self, module):
        print('after all')

    def popped(self, module):
        raise AssertionError

    def finish(self, module):
        module.signal('my-signal', thing='x', use_sudo=True)
        module.signal('nobody-knows-it')

    def mine(self, module, thing, use_sudo):
        print('mine', thing, use_sudo)

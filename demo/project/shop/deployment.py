from porter.core.module import SIG_SOURCE_POST_SEND
def register_signal_handlers(module):
    module.push_signal_handler(SIG_SOURCE_POST_SEND, post_send)

def post_send(module, *args, **kwargs):
    pass

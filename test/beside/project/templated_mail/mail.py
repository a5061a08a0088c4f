"""What djoser needs of it: a mail whose subject and parts are blocks of one template."""
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, loader
from django.template.loader_tags import BlockNode


class BaseEmailMessage(EmailMultiAlternatives):
    template_name = None

    def __init__(self, request=None, context=None, template_name=None):
        super().__init__()
        self.request = request
        self.context = context or {}
        self.template_name = template_name or self.template_name

    def get_context_data(self):
        site = {"domain": settings.DOMAIN, "site_name": settings.SITE_NAME, "protocol": "http"}
        return {**site, **self.context}

    def send(self, to):
        self.to = to
        template = loader.get_template(self.template_name).template
        context = Context(self.get_context_data())
        with context.bind_template(template):
            blocks = {node.name: node.render(context).strip() for node in template.nodelist.get_nodes_by_type(BlockNode)}
        self.subject, self.body = blocks["subject"], blocks["text_body"]
        self.attach_alternative(blocks["html_body"], "text/html")
        return super().send()

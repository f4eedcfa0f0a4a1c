"""A topic that people subscribe to by e-mail."""

from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from constructs import Construct


class NotificationTopic(Construct):
    """An encrypted topic with one subscription per address; each address confirms its own by e-mail."""

    def __init__(
        self, scope: Construct, id_: str, *, name: str, kms_key: str, emails: tuple[str, ...], purpose: str
    ) -> None:
        super().__init__(scope, id_)

        self.topic = SnsTopic(self, "topic", name=name, kms_master_key_id=kms_key, tags={"Purpose": purpose})
        for email in emails:
            SnsTopicSubscription(
                self, f"email-{email}", topic_arn=self.topic.arn, protocol="email", endpoint=email
            )

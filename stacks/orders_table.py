"""The table that orders are written to."""

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.dynamodb_table import (
    DynamodbTable,
    DynamodbTableAttribute,
    DynamodbTableGlobalSecondaryIndex,
    DynamodbTablePointInTimeRecovery,
    DynamodbTableServerSideEncryption,
)
from constructs import Construct

from names import STATUS_INDEX, Names
from settings import Settings


class OrdersTable(Construct):
    """Orders by id and time (epoch milliseconds), queryable by status, with a stream of every change."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings, names: Names) -> None:
        super().__init__(scope, id_)

        self.table = DynamodbTable(
            self,
            "table",
            name=names.orders_table,
            billing_mode="PAY_PER_REQUEST",
            hash_key="orderId",
            range_key="timestamp",
            # DynamoDB takes definitions of key attributes only; the rest of an order has no schema.
            attribute=[
                DynamodbTableAttribute(name="orderId", type="S"),
                DynamodbTableAttribute(name="timestamp", type="N"),
                DynamodbTableAttribute(name="status", type="S"),
            ],
            global_secondary_index=[
                DynamodbTableGlobalSecondaryIndex(
                    name=STATUS_INDEX,
                    hash_key="status",
                    range_key="timestamp",
                    projection_type="ALL",
                )
            ],
            stream_enabled=True,
            stream_view_type="NEW_AND_OLD_IMAGES",
            point_in_time_recovery=DynamodbTablePointInTimeRecovery(enabled=True),
            server_side_encryption=DynamodbTableServerSideEncryption(enabled=True),
            deletion_protection_enabled=settings.protect_data,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True) if settings.protect_data else None,
            tags={"Purpose": "Orders and their current status"},
        )

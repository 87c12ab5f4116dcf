#!/usr/bin/python3
"""Prints what the rule sets of the installed botocore give, in the form of tests/js/endpoint_rows.mjs.

Left out is what newer rules decide differently: FIPS in GovCloud, whose usual hosts are validated (except for S3), FIPS
with a bucket in the path, and dual stack in the ISO partitions.
"""
import re

import botocore.loaders
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError

SERVICES = {"s3": "s3", "sqs": "sqs", "sns": "sns", "events": "events", "rekognition": "rekognition",
            "sts": "sts", "portal.sso": "sso", "oidc": "sso-oidc"}
IN_PATH = ["my.photos", "192.168.5.4", "Photos_1"]


def main():
    loader = botocore.loaders.Loader()
    partitions = loader.load_data("partitions")
    providers = {name: EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
                 for name, service in SERVICES.items()}
    places = [(partition["id"], region) for partition in partitions["partitions"] for region in partition["regions"]
              if re.fullmatch(partition["regionRegex"], region)]
    for partition, region in places:
        for dualstack in (False, True):
            for fips in (False, True):
                for name, provider in providers.items():
                    if (dualstack and "iso" in partition) or (fips and partition == "aws-us-gov" and name != "s3"):
                        continue
                    point = f"arn:{partition}:s3:{region}:123456789012:accesspoint/cats"
                    buckets = [None, "photos", point, *([] if fips else IN_PATH)]
                    for bucket in buckets if name == "s3" else [None]:
                        parameters = {"Region": region, "UseDualStack": dualstack, "UseFIPS": fips, "Accelerate": False,
                                      "UseGlobalEndpoint": False, "ForcePathStyle": False, "Bucket": bucket}
                        known = provider.ruleset.parameters
                        try:
                            url = provider.resolve_endpoint(**{key: value for key, value in parameters.items()
                                                               if key in known and value is not None}).url
                        except EndpointProviderError:
                            url = "-"
                        print(name, region, str(dualstack).lower(), str(fips).lower(), bucket or "-", url, sep="\t")


main()

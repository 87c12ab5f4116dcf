"""A short soak of the RabbitMQ backend (rabbitmq_soak.py, whose long form is `./dev soak rabbitmq`)."""
import random

from rabbitmq_soak import RabbitSoak


def test_nothing_is_lost_when_engine_nodes_and_connections_fail(tmp_path):
    soak = RabbitSoak(tmp_path / "soak", kills=2, node_kills=0, leader_kills=1, partitions=0, cuts=2, pace_s=0.3,
                      seed=random.SystemRandom().randrange(10**6))
    soak.run()
    print(soak.summary())
    assert not soak.problems, soak.summary()
    assert {victim: soak.counts[f"{victim} kills"] for victim in soak.numbers} == soak.numbers

"""A short soak (soak.py, whose long form is `./dev soak`): engine and embedded cloud are killed under load."""
import random

from soak import Soak


def test_nothing_is_lost_or_left_when_processes_are_killed(tmp_path):
    soak = Soak(tmp_path / "soak", kills=9, cloud_kills=5, seed=random.SystemRandom().randrange(10**6), lifetime=3, renewals=3)
    soak.pace_s = 0.1
    soak.run()
    print(soak.summary())
    assert not soak.problems, soak.summary()
    assert (soak.counts["engine kills"], soak.counts["cloud kills"], soak.counts["renewals"]) == (9, 5, 3)

"""Many clients at once with operations over shards: each gets the replies to its own commands."""

import threading

import redis

import elixircache


def test_a_set_and_its_rename_over_shards_keep_their_order_for_each_of_many_clients():
    failures = []

    def work(port, number):
        with redis.Redis(port=port) as client:
            for i in range(60):
                source, target = f"from:{number}:{i % 7}", f"to:{number}:{i % 5}"
                replies = client.pipeline(transaction=False).set(source, i).rename(source, target).get(target).execute()
                if replies != [True, True, str(i).encode()]:
                    failures.append(replies)

    with elixircache.LocalCluster(shards=3) as cluster:
        threads = [threading.Thread(target=work, args=(cluster.port, number)) for number in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
    assert failures == []

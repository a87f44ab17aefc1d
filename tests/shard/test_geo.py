"""Geo commands, with the figures of Redis's documentation."""


def sicily(shard):
    shard.run("GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania")


def test_positions_and_distances_are_redis_own(shard):
    sicily(shard)
    assert shard.reply("GEODIST Sicily Palermo Catania") == b"166274.1516"
    assert shard.reply("GEODIST Sicily Palermo Catania km") == b"166.2742"
    assert shard.reply("GEOHASH Sicily Palermo nobody") == [b"sqc8b49rny0", None]
    assert shard.reply("GEOPOS Sicily Palermo") == [[b"13.36138933897018433", b"38.11555639549629859"]]


def test_searching_in_a_circle_and_in_a_box(shard):
    sicily(shard)
    shard.run("GEOADD Sicily 12.758489 38.788135 edge1 17.241510 38.788135 edge2")
    assert shard.reply("GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km ASC") == [b"Catania", b"Palermo"]
    assert shard.reply("GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHDIST") == [
        [b"Catania", b"56.4413"], [b"Palermo", b"190.4424"], [b"edge2", b"279.7403"], [b"edge1", b"279.7405"],
    ]  # fmt: skip
    assert shard.reply("GEOSEARCHSTORE near Sicily FROMLONLAT 15 37 BYRADIUS 100 km STOREDIST") == 1
    assert round(shard.reply("ZSCORE near Catania"), 4) == 56.4413


def test_a_position_off_the_map_is_an_error(shard):
    assert shard.run("GEOADD g 181 0 m") == ("ERR invalid longitude,latitude pair 181.000000,0.000000", [])


def test_a_box_without_end_finds_everything_and_is_no_error(shard):
    shard.reply("GEOADD g 2.349014 48.864716 Paris 13.361389 38.115556 Palermo")
    assert shard.reply("GEOSEARCH g FROMMEMBER Paris BYBOX 200 inf mi ASC") == [b"Paris"]

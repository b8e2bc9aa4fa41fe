"""A client of Kluster that is none of ours, over kafka-python: sends SQL to the topic of mutations under a key, and prints
each answer under that key, as many as it is told to wait for.

Usage: kluster_client.py BROKER MUTATION_TOPIC RESPONSE_TOPIC KEY SQL ANSWERS
"""
import sys
import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

WAIT_SECONDS = 60

broker, mutations, answers, key, sql, count = sys.argv[1:]
consumer = KafkaConsumer(bootstrap_servers=broker, enable_auto_commit=False)
partitions = [TopicPartition(answers, number) for number in consumer.partitions_for_topic(answers)]
consumer.assign(partitions)
consumer.seek_to_end()
for partition in partitions:
    consumer.position(partition)
producer = KafkaProducer(bootstrap_servers=broker, acks="all")
producer.send(mutations, key=key.encode(), value=sql.encode()).get(timeout=WAIT_SECONDS)
deadline = time.monotonic() + WAIT_SECONDS
left = int(count)
while left > 0 and time.monotonic() < deadline:
    for records in consumer.poll(timeout_ms=500).values():
        for record in records:
            if record.key == key.encode():
                left -= 1
                print(record.value.decode(), flush=True)
producer.close()
consumer.close()
sys.exit(left > 0)

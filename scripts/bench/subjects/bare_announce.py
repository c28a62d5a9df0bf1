"""The script one would write instead of the action: announce a release with the same two calls, and nothing more."""

import json
import os

import requests

with open(os.environ["GITHUB_EVENT_PATH"], encoding="utf-8") as file:
    release = json.load(file)["release"]
session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['INPUT_API-KEY']}"
base = os.environ["INPUT_BASE-URL"]
body = {
    "content": f"{release['name']} is out: {release['html_url']}",
    "platforms": [name.strip() for name in os.environ["INPUT_PLATFORMS"].split(",")],
}
made = session.post(f"{base}/posts", json=body, timeout=30)
made.raise_for_status()
done = session.post(f"{base}/posts/{made.json()['id']}/publish", timeout=300)
done.raise_for_status()
print(done.json()["platform_results"])

// What slack-github-action 4.0.0 loads before it reads its inputs; it is not on npm, but its libraries are. Bundled
// with ncc, as it is itself.
import * as core from "@actions/core";
import * as github from "@actions/github";
import { LogLevel } from "@slack/logger";
import webapi from "@slack/web-api";
import webhook from "@slack/webhook";
import { flatten } from "flat";
import { JSON_SCHEMA, load } from "js-yaml";
import markup from "markup-js";
import { ProxyAgent } from "undici";

const loaded = [github, LogLevel, webapi, webhook, flatten, JSON_SCHEMA, load, markup, ProxyAgent];
core.setOutput("loaded", loaded.length);

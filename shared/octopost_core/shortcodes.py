"""The emoji shortcodes release notes really use (gitmoji and the common ones of GitHub); any other stays as written."""

from __future__ import annotations

_TABLE = """
tada=🎉 rocket=🚀 sparkles=✨ bug=🐛 fire=🔥 warning=⚠️ boom=💥 zap=⚡ lock=🔒 memo=📝 art=🎨 wrench=🔧
hammer=🔨 recycle=♻️ package=📦 arrow_up=⬆️ arrow_down=⬇️ heavy_plus_sign=➕ heavy_minus_sign=➖
white_check_mark=✅ x=❌ construction=🚧 books=📚 book=📖 star=⭐ star2=🌟 heart=❤️ +1=👍 thumbsup=👍 -1=👎
clap=👏 pray=🙏 wave=👋 eyes=👀 bulb=💡 gear=⚙️ lipstick=💄 ambulance=🚑 lady_beetle=🐞 beetle=🐞 snake=🐍
whale=🐳 globe_with_meridians=🌐 speech_balloon=💬 label=🏷️ bookmark=🔖 pushpin=📌 link=🔗 mag=🔍
chart_with_upwards_trend=📈 test_tube=🧪 broom=🧹 wastebasket=🗑️ truck=🚚 building_construction=🏗️
wheelchair=♿ closed_lock_with_key=🔐 key=🔑 rotating_light=🚨 green_heart=💚 blue_heart=💙 purple_heart=💜
100=💯 muscle=💪 smile=😄 grinning=😀 smiley=😃 information_source=ℹ️ question=❓ exclamation=❗
hourglass=⌛ computer=💻 iphone=📱 shield=🛡️ adhesive_bandage=🩹 technologist=🧑‍💻 busts_in_silhouette=👥
gift=🎁 trophy=🏆 seedling=🌱 pencil=📝 pencil2=✏️ alembic=⚗️ card_file_box=🗃️ loud_sound=🔊 mute=🔇
children_crossing=🚸 clown_face=🤡 egg=🥚 see_no_evil=🙈 camera_flash=📸 triangular_flag_on_post=🚩
goal_net=🥅 dizzy=💫 passport_control=🛂 coffin=⚰️ necktie=👔 stethoscope=🩺 bricks=🧱 money_with_wings=💸
thread=🧵 safety_vest=🦺 rewind=⏪ twisted_rightwards_arrows=🔀 alien=👽 page_facing_up=📄 bento=🍱 beers=🍻
mailbox=📫 movie_camera=🎥
"""

#: Emoji by shortcode, without the colons.
SHORTCODES: dict[str, str] = dict(pair.split("=") for pair in _TABLE.split())

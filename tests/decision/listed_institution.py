"""The tiny institution with a register, a list of enterprises and a product for its members: what a lookup reads."""

from __future__ import annotations

from pathlib import Path

from institution import FILES, LOSSES, load, promote

from riskengine.project import Project

ANT, BEE, CAT, DOG, EEL = (
    "91370102MA3C00011F", "91370102MA3C00022K", "91370102MA3C00033P", "91370102MA3C00044U", "91370102MA3C000550",
)  # fmt: skip
NAMES = {ANT: "蚂蚁有限公司", BEE: "蜜蜂有限公司", CAT: "=猫有限公司", DOG: "狗有限公司"}

_ASKED = FILES["configs/sources/asked.toml"]
_LOSSES = FILES["configs/sources/losses.toml"]
_REGISTER = _LOSSES.replace('"losses"', '"register"').replace(
    "[columns.lost]\ntype",
    '[columns.name]\ntype = "text"\n[columns.trade]\ntype = "text"\n[columns.lost]\ntype',
)
_LISTS = _LOSSES.replace('"losses"', '"titles"').replace(
    "[columns.lost]\ntype",
    '[columns.kind]\ntype = "text"\n[columns.until]\ntype = "date"\n[columns.state]\ntype = "text"\n[columns.lost]\ntype',
)
_PRODUCT = FILES["configs/products.toml"].split("[[product]]")[1]
_TIERED = _PRODUCT.replace('"plain"', '"listed"').replace(
    'title = { en = "Plain", zh = "普通" }',
    'title = { en = "Listed", zh = "名单" }\nwhen = [{ feature = "wanted", op = "==", value = "listed" }]',
)

DEFINITIONS = {
    **FILES,
    "configs/sources/asked.toml": _ASKED.replace(
        "[columns.amount]",
        '[columns.product]\ntype = "text"\ntitle = { en = "Product", zh = "产品" }\n[columns.house]\ntype = "text"\n'
        "[columns.amount]",
    ).replace('type = "money"', 'type = "money"\nunit = "CNY"\ntitle = { en = "Amount", zh = "金额" }', 1),
    "configs/sources/register.toml": _REGISTER,
    "configs/sources/titles.toml": _LISTS,
    "features/all.py": FILES["features/all.py"]
    + 'wanted = latest("asked.product", by="application").named("Product", "产品")\n'
    + 'house = latest("asked.house", by="application").named("House", "担保机构")\n'
    + 'times = count("asked", by="enterprise", window="24m").named("Times asked", "申请次数")\n',
    "configs/products.toml": FILES["configs/products.toml"].split("[[product]]")[0]
    + "[[product]]"
    + _TIERED.replace("value = 3000", "value = 9000")
    + "[[product]]"
    + _PRODUCT,
    "configs/policy.toml": FILES["configs/policy.toml"]
    + """
[[rule]]
id = "house"
title = { en = "Own house", zh = "本机构" }
action = "refer"
reference = "test"
evidence = "D"
words = { en = "A house that is full", zh = "机构额度已满" }
when = [{ feature = "house", op = "==", value = "full" }]
[[rule]]
id = "twice"
title = { en = "Applied twice", zh = "重复申请" }
action = "decline"
reference = "test"
evidence = "D"
words = { en = "Applied twice", zh = "重复申请" }
when = [{ feature = "times", op = ">", value = 1 }, { feature = "amount", op = ">", value = 850 }]
""",
    "configs/lookup.toml": """
[lists]
source = "titles"
enterprise = "firm"
type = "kind"
valid_to = "until"
shown = ["no"]
where = { state = "valid" }
[register]
source = "register"
enterprise = "firm"
name = "name"
fill = { trade = "trade" }
[request]
id = "no"
product = "product"
listed = "listed"
unlisted = "plain"
institution = "house"
apart = ["house"]
applied = ["twice"]
assumed = { amount = 800, staff = 40 }
""",
}

REGISTER = (
    "no,day,firm,name,trade,lost\n"
    f"1,2001-02-01,{ANT},旧名,31,\n2,2004-02-01,{ANT},{NAMES[ANT]},31,\n3,2004-02-01,{BEE},{NAMES[BEE]},52,\n"
    f"4,2004-02-01,{CAT},{NAMES[CAT]},31,\n5,2004-02-01,{DOG},{NAMES[DOG]},31,\n"
)
TITLES = (
    "no,day,firm,kind,until,state,lost\n"
    f"1,2004-01-01,{ANT},small giant,2006-04-30,valid,\n2,2003-01-01,{ANT},small giant,2005-01-31,valid,\n"
    f"3,2004-01-01,{ANT},high tech,2005-12-31,valid,\n4,2004-01-01,{BEE},high tech,2006-03-31,valid,\n"
    f"5,2004-01-01,{DOG},high tech,2007-01-31,withdrawn,\n6,2004-01-01,{EEL},high tech,2007-01-31,valid,\n"
)
OWN_LOSSES = LOSSES.replace("CAT", CAT).replace("BEE", BEE)


def listed_project(root: Path) -> Project:
    """ANT and BEE are on lists (BEE until 2006-03-31), CAT has losses, DOG's title was withdrawn, EEL is not registered."""
    for name, text in DEFINITIONS.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "models").mkdir()
    project = Project(root)
    for source, text in (("register", REGISTER), ("titles", TITLES), ("losses", OWN_LOSSES)):
        load(project, source, text)
    load(
        project,
        "asked",
        f"no,day,firm,trade,product,house,amount,staff\n1,2005-02-01,{ANT},31,plain,,100,95\n",
    )
    promote(project)
    return project

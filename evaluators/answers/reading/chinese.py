"""Chinese answers in the spelling of the grammar: one script, numerals in digits, units in brackets, words for numbers."""

from __future__ import annotations

import re

from evaluators.answers.patterns import lazy_pattern
from evaluators.answers.reading.chinese_words import in_common_words
from evaluators.answers.reading.numerals import chinese_to_digits

_PAIRS = (
    "個个 們们 來来 這这 時时 對对 確确 錯错 誤误 數数 萬万 億亿 兩两 餘余 無无 點点 線线 邊边 長长 寬宽 圓圆 幾几 問问 題题 選选 項项 組组 間间 號号 條条 張张 顆颗 塊块 噸吨 "
    "幣币 錢钱 買买 賣卖 給给 還还 總总 計计 結结 論论 證证 實实 負负 當当 則则 為为 與与 從从 後后 開开 關关 關关 東东 車车 馬马 魚鱼 鳥鸟 雞鸡 豬猪 龍龙 龜龟 貓猫 隻只 雙双 "
    "頭头 頁页 頂顶 順顺 須须 預预 領领 頻频 顏颜 額额 類类 願愿 顯显 積积 體体 稱称 極极 樣样 標标 樹树 橋桥 機机 檢检 權权 歲岁 歷历 殘残 氣气 漢汉 漲涨 減减 測测 淺浅 溫温 "
    "滿满 漸渐 濟济 灣湾 營营 燈灯 爾尔 狀状 獨独 獲获 環环 現现 產产 畝亩 畢毕 畫画 異异 療疗 盡尽 盤盘 眾众 礎础 禮礼 種种 穩稳 窮穷 競竞 筆笔 節节 範范 簡简 簽签 籃篮 糧粮 "
    "約约 級级 紅红 純纯 紙纸 細细 終终 絕绝 統统 經经 綠绿 維维 綜综 緊紧 線线 練练 縮缩 縱纵 織织 繞绕 續续 罰罚 羅罗 義义 習习 聯联 聲声 職职 聽听 腦脑 腳脚 臺台 舉举 舊旧 "
    "莊庄 華华 葉叶 著着 藍蓝 藥药 蘋苹 處处 虧亏 蟲虫 補补 製制 複复 見见 規规 視视 親亲 覺觉 觀观 角角 觸触 訂订 記记 設设 許许 訴诉 診诊 評评 詞词 試试 話话 該该 詳详 語语 "
    "說说 請请 調调 談谈 課课 講讲 識识 譯译 議议 護护 讀读 變变 讓让 豐丰 貨货 貴贵 費费 貼贴 資资 質质 賽赛 贏赢 趙赵 跡迹 踐践 車车 軍军 軌轨 軸轴 較较 載载 輕轻 輛辆 輪轮 "
    "輯辑 輸输 轉转 辦办 農农 連连 進进 週周 運运 過过 達达 違违 遠远 適适 遲迟 選选 遞递 郵邮 鄉乡 醫医 里里 釐厘 針针 鈍钝 銳锐 銅铜 銷销 鋼钢 錄录 錢钱 鍾钟 鐘钟 鐵铁 鑽钻 "
    "門门 閉闭 陰阴 陣阵 陳陈 陽阳 階阶 際际 隨随 險险 難难 離离 電电 靈灵 靜静 韓韩 響响 頓顿 飛飞 飯饭 飲饮 館馆 駛驶 駐驻 騎骑 驗验 高高 黃黄 齊齐 齒齿 奇奇 偶偶 函函 衝冲 "
    "決决 內内 準准 凱凯 劃划 劉刘 劇剧 劑剂 動动 務务 勝胜 勞劳 區区 協协 單单 卻却 厭厌 參参 員员 圍围 園园 團团 圖图 場场 壓压 壘垒 壞坏 夠够 夾夹 奪夺 孫孙 學学 寧宁 審审 寫写 "
    "層层 屬属 島岛 師师 帶带 幫帮 幹干 廠厂 廣广 廢废 張张 強强 彈弹 彎弯 彙汇 徑径 復复 恆恒 態态 慶庆 應应 戰战 戲戏 戶户 換换 擇择 擊击 據据 擴扩 擺摆 攜携 敗败 敘叙 斷断 "
    "於于 暫暂 會会 東东 業业 樂乐 歡欢 歸归 殺杀 殼壳 毀毁 燒烧 熱热 牆墙 牽牵 犧牺 獎奖 瑪玛 甕瓮 瘋疯 發发 盜盗 監监 碼码 確确 禍祸 稅税 積积 竊窃 筆笔 緣缘 繩绳 罷罢 藝艺"
)
_SIMPLIFIED = str.maketrans({pair[0]: pair[1] for pair in _PAIRS.split() if pair[0] != pair[1]})
_NUMERAL = "零〇一二两三四五六七八九十百千万亿"
_VALUE = rf"(?:\d{{1,20}}(?:\.\d{{1,20}})?|[{_NUMERAL}]{{1,20}})"
_BEGINS = rf"[-\d{_NUMERAL}负\\$√π(]"
_SAME_SIGNS = str.maketrans("【】", "()")
_SAME_WORDS = (
    ("块钱", "元"),
    ("两条直线", "两直线"),
    ("亏损", "亏"),
    ("走向", "向"),
    ("向东走", "向东"),
    ("向西走", "向西"),
    ("向南走", "向南"),
    ("向北走", "向北"),
)
_STATED_RATIO = lazy_pattern(r"^[\u4e00-\u9fff]{1,12}的?比(?:值)?(?:是|为)[:]?\s*(?=\d)")
_LONE_IS = lazy_pattern(r"^是(?=[\u4e00-\u9fff]{2,4}$)(?!是的|是否)|(?<=\d)\s?个(?=人$)")
_LEAD = lazy_pattern(
    r"^(?:(?:最终|最后|正确)?的?(?:答案|结果|得数)(?:是|为|等于|[:=])+|答[:,]|(?:故|应|所以|因此|本题|此题|该题)*选(?:择|项)?|余数?(?:是|为)?"
    rf"|(?:(?:所以|因此|那么|则|即|故|一共|总共|共计|合计|分别|共|还|只|就|需要|需|剩下|剩|余下|有|得到|得|等于|用了|用|花了|花|占|达到|达|重|长|高|宽|付|用时|是|为|要)[,:]?)+(?={_BEGINS}))\s*[:]?\s*"
)
_ABOUT = lazy_pattern(rf"^大?约(?:为|是|等于)?(?={_BEGINS})")
_SOLVED = lazy_pattern(r"^(?:解(?:之)?得|求得|可得|所以|因此|故|即|[,:])+(?=[A-Za-z]\s*[=<>])")
_VALUE_OF = lazy_pattern(r"^([A-Za-z])的(?:取)?值(?:是|为|等于)\s*")
_REASON = lazy_pattern(r"[,;.]\s*(?:因为|由于|理由|原因|解析).*$", re.DOTALL)
_SPECIAL = {
    "无解": "no solution", "无实数解": "no solution", "没有解": "no solution", "空集": "empty set", "不存在": "does not exist", "无意义": "undefined",
    "无穷大": r"\infty", "无穷多": "infinitely many", "无数": "infinitely many", "无数个": "infinitely many", "无穷多解": "infinitely many", "无数个解": "infinitely many", "无穷多个解": "infinitely many", "无数解": "infinitely many", "有无数解": "infinitely many", "发散": "diverges", "收敛": "converges", "无穷多个": "infinitely many", "全体实数": r"\mathbb{R}",
    "一半": "1/2", "半": "1/2", "半个": "1/2", "任意实数": r"\mathbb{R}", "全体整数": r"\mathbb{Z}", "任意整数": r"\mathbb{Z}", "所有整数": r"\mathbb{Z}", "全体正整数": r"\mathbb{Z}^+", "所有正整数": r"\mathbb{Z}^+", "正无穷": r"\infty", "负无穷": r"-\infty", "正确": "true", "错误": "false", "对": "true", "错": "false",
    "是": "yes", "否": "no", "是的": "yes", "不是": "no", "不对": "false", "不正确": "false", "偶函数": "even", "奇函数": "odd", "偶数": "even", "奇数": "odd", "非奇非偶函数": "neither",
    "大于": "greater than", "小于": "less than", "等于": "equal to", "相等": "equal to", "有理数": "rational", "无理数": "irrational",
}  # fmt: skip
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "Sunday"]
_SPECIAL |= {f"{week}{day}": name for week in ("星期", "周", "礼拜") for day, name in zip("一二三四五六日天", _DAYS, strict=True)}  # fmt: skip
_STATED_TRUTH = lazy_pattern(
    r"(?:(?:所以|因此|综上|故|可见|判断|是的?|对的?)[,:]+|(?:所以|因此|综上|故|可见|判断))*(?:(?:这|该|此|题目|题中|上述|原|以上|小[\u4e00-\u9fff])?[个种句条]?的?(?:话|说法|结论|命题|判断|陈述|叙述|答案|观点|表述|它)?)(?:都?是)?"
    r"(正确|错误|不正确|不对|对|错|真|假|√|×)的?(?:命题)?"
)
_TRUTH = {"正确": "true", "对": "true", "真": "true", "√": "true"}
_STATED_KIND = lazy_pattern(
    r"(?:(?:所以|因此|故)[,:]?)?(?:它|这|该函数|函数|f\(x\)|三角形|四边形|五边形|六边形|该三角形|这个三角形|[△∠]?[A-Z]{0,4})?[A-Z]{0,6}是(?:一个)?(?=[\u4e00-\u9fff]{1,6}(?:三角形|函数|数列|形|数|线|锥|柱|体|角)$)"
)
_ORDINAL = lazy_pattern(rf"第(?=(?:\d+|[{_NUMERAL}]{{1,6}})(?:$|[个次项天名位]$))|(?<=\d)名$")
_ROOT_WORDS = lazy_pattern(
    rf"(?P<den>[{_NUMERAL}]{{1,6}}|\d+)分之(?P<num>(?:负)?(?:[{_NUMERAL}]{{1,6}}|\d+)?根号下?(?:[{_NUMERAL}]{{1,4}}|\d+)|π)"
)
_OF_EQUATION = lazy_pattern(r"^(?:所以|因此|故)?(?:原|该|此|这个)?(?:方程|不等式|方程组|极限|函数)组?")
_NECESSARY = lazy_pattern(
    r"(充分|必要)而?(不必要|不充分)(?:的)?(?:条件)?|(充要|充分必要|既不充分也不必要)(?:的)?(?:条件)?$"
)
_TWENTY = {"廿": "二十", "卅": "三十", "卌": "四十"}
_JOINER = lazy_pattern(r"(?<=[\d}\])])\s*(?:或者|和|或|及|与)\s*(?=[\d\\(\[{x-])")
_JOINING_TEXT = lazy_pattern(r"\\(?:text|mbox)\s*\{\s*([和或且与及])\s*\}")
_EQUATIONS = lazy_pattern(r"(?<=[\da-z})\]$])\s*[和与及]\s*(?=\$?[a-z]\s*=)")
_AMOUNTS = lazy_pattern(r"(\d\s?[\u4e00-\u9fff]{1,4}?)\s*[和与及]\s*(?=-?\d)")
"""12厘米和8厘米."""
_ALTERNATIVE = lazy_pattern(r"\s*(?:或者|或)\s*")
_INEQUALITY = lazy_pattern(r"[<>]|\\[lg]e")
_ROOT_SIGN = lazy_pattern(r"根号下?\s?(\d+|[一二三四五六七八九十]+|[a-z])")
_PER = lazy_pattern(
    r"每(小时|分钟|分|秒|天)(?:行驶?|走)?(\d[\d.,]*|[零一二两三四五六七八九十百千]+)([\u4e00-\u9fff]+|[A-Za-z]+)"
)
_PROPORTION = lazy_pattern(r"(?<=[\d一二三四五六七八九十])\s*比\s*(?=[\d一二三四五六七八九十])")
_BELOW_ZERO = lazy_pattern(rf"零下\s*(?={_VALUE})")
_AND_A_HALF = lazy_pattern(rf"({_VALUE})([个年天斤米元块周倍圈])半(?!径)(小时|月|钟头|世纪)?")
_OF_HOURS = lazy_pattern(r"(?<=[\d一二两三四五六七八九十半])\s?个(?=小时|星期|钟头)")
_HALF = lazy_pattern(r"(?<![\u4e00-\u9fff])半(个?)(小时|天|年|月|斤|米|公斤|千米|公里)")
_TENTHS = lazy_pattern(rf"([{_NUMERAL[2:12]}]|\d(?:\.\d)?)成([{_NUMERAL[2:12]}])?(?![为立分长就功本人年员交])")
_DISCOUNT = lazy_pattern(rf"(?:打)?([{_NUMERAL[:12]}]{{1,2}}|\d{{1,2}}(?:\.\d)?)折(?![线叠断痕扣扇])")
_DOZENS = lazy_pattern(rf"({_VALUE})打(?=$|[\u4e00-\u9fff])(?![折印开球字])")
_OLD_UNITS = (("公尺", "米"), ("公分", "厘米"), ("公升", "升"), ("公厘", "毫米"))
_DROPPED_ROOT = lazy_pattern(
    r"(?:[,;]|或者?)\s*(?:[a-z](?:_\{?\d\}?)?\s*=\s*)?[^,;()=或]{1,30}\((?:不合题意|不符合题意|负[值数根])?,?应?舍去?\)"
    r"|\([a-z](?:_\{?\d\}?)?\s*=\s*[^()=]{1,30}?(?:不合题意|不符合题意)?,?应?舍去?\)"
)
"""A root that is none: x=11(x=-6舍去), x=11或x=-6(舍去)."""
_DIGIT = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "十": 10}


_BECAUSE = lazy_pattern(r"(?<=[\u4e00-\u9fff])\s*\((?:因为|由于|理由|原因)[^()]{1,60}\)$")
_COUNTER_IN_BRACKETS = lazy_pattern(r"(?<=\d)\(([\u4e00-\u9fff]{1,2})\)(?=[\u4e00-\u9fff]{1,4}$)")
"""5（名）学生."""
_CHOSEN = lazy_pattern(
    r"(?:正确的?)?(?:选项|答案)?(?:应该?)?(?:是|为|有|:)?\s*([A-J](?:[\s,和与及]*[A-J])*)\s*(?:(?:两|三)?(?:项|个选项|选项)?(?:都)?是?(?:正确|对|符合题意)的?)?"
)
"""选项B和C正确."""
_COMPARED = lazy_pattern(
    r"(?<=[a-z])\s*(?P<word>大于或?等于|不小于|不少于|大于|小于或?等于|不大于|不超过|小于|不等于)\s*(?=[-\d\\a-z(])"
)
_OF_THE_SAME = lazy_pattern(
    r"(?P<first>(?P<name>[a-z])\s*(?:不?[大小]于|不少于|不超过)[^且,]{1,20}?)[,]?(?:并且|而且|且)(?=不?[大小]于|不少于|不超过)"
)
"""x大于3且小于5."""
_COMPARISONS = {
    "大于": ">", "大于等于": r"\ge ", "大于或等于": r"\ge ", "不小于": r"\ge ", "不少于": r"\ge ", "小于": "<", "小于等于": r"\le ", "小于或等于": r"\le ",
    "不大于": r"\le ", "不超过": r"\le ", "不等于": r"\ne ",
}  # fmt: skip
_BOTH = lazy_pattern(r"(?<=[\da-z})\]$])\s*[,;]?\s*(?:并且|而且|且)\s*(?=[-\da-z\\($])")
_HAN = lazy_pattern("[\u4e00-\u9fff]")


def _compared(text: str) -> str:
    """x > 3 of x大于3, and of a<2且a≠0 both conditions; a text that says anything else stays as it is."""
    text = _OF_THE_SAME.sub(r"\g<first>且\g<name>", text)
    plain = _BOTH.sub(" and ", _COMPARED.sub(lambda m: _COMPARISONS[m["word"]], text))
    return text if _HAN.search(plain) else plain


def simplified(text: str) -> str:
    """In simplified characters, as far as arithmetic and school need them: 正確 is 正确."""
    return text.translate(_SIMPLIFIED)


def chinese_spelling(text: str) -> str:
    """A Chinese answer with its numerals in digits and its words as the grammar knows them."""
    text = in_common_words(simplified(text.strip()).translate(_SAME_SIGNS))
    text = _JOINING_TEXT.sub(r"\1", text)
    for words, word in _SAME_WORDS:
        if words in text:
            text = text.replace(words, word)
    text = _LONE_IS.sub("", _STATED_RATIO.sub("", text))
    stripped = text.rstrip(".")
    stripped = _BECAUSE.sub("", stripped)
    if stripped in _SPECIAL:
        return _SPECIAL[stripped]
    if (bare := _OF_EQUATION.sub("", stripped)) in _SPECIAL:
        return _SPECIAL[bare]
    if (truth := _STATED_TRUTH.fullmatch(stripped)) is not None:
        return _TRUTH.get(truth[1], "false")
    for old, new in _TWENTY.items():
        text = text.replace(old, new)
    text = _STATED_KIND.sub(
        "",
        _ORDINAL.sub(
            "",
            _NECESSARY.sub(
                lambda m: (m[1] or "") + (m[2] or m[3] or "").replace("充分必要", "充要"),
                stripped if "第" in text else text,
            ),
        ),
    )
    if text in _SPECIAL:
        return _SPECIAL[text]
    text = _ROOT_WORDS.sub(r"\\frac{\g<num>}{\g<den>}", text)
    text = _LEAD.sub("", _REASON.sub("", text))
    text = _ABOUT.sub("about ", text)
    text = _SOLVED.sub("", _DROPPED_ROOT.sub("", text.replace("$", "")) if "舍" in text else text)
    text = _VALUE_OF.sub(r"\1=", text)
    text = _compared(_COUNTER_IN_BRACKETS.sub(r"\1", text))
    if (letters := _CHOSEN.fullmatch(text)) is not None:
        return ",".join(re.findall("[A-J]", letters[1]))
    text = _ROOT_SIGN.sub(r"\\sqrt{\1}", text)
    text = _PROPORTION.sub(":", _PER.sub(r"\2\3/\1", text))
    if _INEQUALITY.search(text):  # x<1或x>5 is no list
        text = _ALTERNATIVE.sub(" or ", text)
    text = _EQUATIONS.sub(",", text)
    text = _JOINER.sub(",", _AMOUNTS.sub(r"\1,", text))
    text = _ALTERNATIVE.sub(" or ", text)
    text = _with_values(text)
    return _SPECIAL.get(text, text) if text in ("正确", "错误") else chinese_to_digits(text)


def _with_values(text: str) -> str:
    """The words that change a number: 零下, 半, 成, 折, 打."""
    for old, new in _OLD_UNITS:
        text = text.replace(old, new)
    text = _OF_HOURS.sub("", _BELOW_ZERO.sub("-", text))
    if "半" in text:
        text = _AND_A_HALF.sub(lambda m: f"{_digits(m[1])}.5{m[3] or m[2]}", text)
        text = _HALF.sub(r"0.5\2", text)
    text = _TENTHS.sub(lambda m: f"{_plain(float(_digits(m[1])) * 10 + (_DIGIT[m[2]] if m[2] else 0))}%", text)
    text = _DISCOUNT.sub(lambda m: f"{_discount(m[1])}%", text)
    return _DOZENS.sub(lambda m: str(int(float(_digits(m[1])) * 12)), text)


def _digits(value: str) -> str:
    return value if value[0].isascii() else chinese_to_digits(value)


def _discount(value: str) -> str:
    """八折 is 80 %, 八五折 and 85折 are 85 %."""
    number = float(_digits(value)) if value[0].isascii() else float("".join(str(_DIGIT[c]) for c in value))
    return _plain(number * 10 if number <= 10 else number)


def _plain(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")

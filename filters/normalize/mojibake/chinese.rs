//! Two misreadings of Chinese: GBK read as Latin-1 (`ÄãºÃ`), and UTF-8 read as GBK (`浣犲ソ`).
//!
//! Both are undone run by run, and only where what comes out of a line is made of common characters: all
//! of a few, half of many. One character by itself (`µÚ1ÕÂ` for `第1章`) is undone where the line has others.

use std::sync::LazyLock;

use encoding_rs::GBK;

/// The 480 most frequent characters of Chinese web text, manuals, mail and poems, counted over 4.3
/// million; traditional ones among them.
const COMMON: &str = "的一不是有在用中个可以数了如为人我上时这行和下到其能使文件子本点要于定出作分对大得所生自表同间多式前果成新方相过来之日天会山也就入此后二何小更字最你法無好三面理们置看地值事很将問明次程据名都性意题示知通年風然月而它当列來重元心包度因量首还复酒只没者接花指或务里情去算空组配正令高春并已回水道系存实時未但加常需比无些现发应解清序说进服那书家路向内十例错开被非全修结提外么该命与节合参客设部安集动从取信版查他老化每则代公且器容爲位引关任江由第变单雲房目样计白符语見手选詩先等两求君建流秋送平标今起类制個函图机四即息处雨句店始歸西夜统感真南改除整步边持直少换长格树想千项與金读太似言端根模案种调工给素寒游王玉主青较物码完身原色考五萬住态操必注连别立索深特功型書望户写见及光支保初思证形便古条把世再落具欲义认长觉網过林记经石至导足移故間區香期若请装价黄做打运才百否执口推從處限東优增又朝數交含排雪返供确致线李输显环晚喜門海询將况着當构誰應误開段居城号聲亦後群源歌风照早象页云串寄总级编状世界国";

/// The others of the 1500 most frequent, counted over as many.
const FREQUENT: &str = "问長网過区頭管六影染体半近述转启九依收星留论差默权境遠什檔共己录键放按飛莫台基笑草坐快易微满復待州杂聞還备几梅堂匹馬电景這带候釋让传找失软衣称神於窗却话试消曾士北盡須愁儿控受周陽醉像竹章东载別七對效学眼仙买力溪密語递官简渲般尚氣久头夢塵題湖反張志松會猶遊八热獨吾往规兩达幾舊女登门傳升華龍韻懷難盘某断音木陳退動滿乘友絕止域歲库择國强美資右径左庭质创楼免员速劉休教许维幽翻添兮夫著决為豈樂許柳各告忽归利声樓經费离散仅餘德超描枝餐难角品波隔味亭删准份吟块余阅野關孤隨展紅搜死略欢议张够介观樹池希苦烟露报套造泉舟获料低答念插层划精走活霜浮興父設另說曲印史阵葉觀须远干沙學括河范卷連邊芳档體病英逢底陰翠吹短終检册奇译适终選火仍储虑预悲荐场師续佳參假兼臺片施货京翁暮計爱變節發破助碧紫屏响随丹络布切架轉护尽覺食址結替旧唯田尋均恢商访閑統细车历朱恨冷顶际率析煙驚殊胡項怎测載链避斜联局卡窮忘吳红寺互郎资携民園宜識堪矩属晴孩零楊諸呼垂偶您投謝遇慢車宮举陸讀减魚裏叫策臨峰停省輕视遍楚勝機识宿兒昔燕離守聽围畫虽漢皇洗广采則雙浪概圖蒼虛鳥辑靈斷良蘇鄉藏缀惠框束趙越映竟綠僧付独仲敢臣論市篇雖蕭气判阶陵双硬约评允鳴號夕偏賦種验疑訊賢村母朋卿曉充屋義皆桃亮頌甚床呵倚孫贈帝輸邮跟她靜幕川听愛軟暗击舞疏筆积內肯板俗聊谁曰冰壁华妙乃珠倒飲斯钱寫土遺殘触扩产氏頁尾队永洞拉憶標巖万詞實站凉封碼祖寂既記悠憂释业轻杜韵惟折辭報衡薄秀鶴睡武延绍爾宗乎马降诉憐负舍牛斗脚伯普挺逐吧進针末占缺鼓並親宾票追詠錄顺寧組荒室燈試幸富杯點极异突订习帮侯弟尊宋核赖梦沒予急堆黑谷細閣政羅惜馆奉详临唱淡恩固閒佛驱趣征聖司亂善執裝漫缩署闭禪冲簡塞款舒橫紛異秦毛恐願覆绝谢克沈菜軒掉副静迎勤借船雜環眠画唐院訪徐眉府享聚骨視拿夏尺午购监乐巧跳預迷社败徑吃爭禁益典衰顯冊迁飞虎虚錢讲承矣昏哪签宣智換稱寶舉暖办兄甘遲仁魂壽招刻射宝剩桂耳冠編博漂兵弄嗟髮挽挂缓雁卧旋鳳览梁循钟枕韓哀盤啟拆緣菊旦顔戶豪洛維狂贵稳請戏侍勞尤怪俱压协熟顧逆童霞琴丘伴泥莊偈怕严岸齊抱坏齋曹哉阳催祥附掩透甫徒郊温蓬醒殿雷寻彼羣背遥旅陶忍橋途茶玄尝洪盛雄乾麻栈叶玩極锁寸浩怨亲戲侵刚榮鄭渡錦汝蘭總福貴啊單業羽錯茫樣晨呢話亡軍貧絲適傍割防拜隠沉领荷涯究藥廬鄰岁盖继赛恰擬啼傾廣桑鼎廟吏鬢科补潮漏呈嘗們現拟勿危類忆彩嘉闲條迟阻欄談歡乱茅繁穿骤稍专裡禮迹酬御枯逻務耕校泛赤净嶺淮檢叔词誤轮赏涉謂傷瑞宇丈壯雅墨騎磁給杖倍岳宽鴻鏡飄榜妨頻隱席愧季警釣衆昨兴遣澤烏際夷稀淚約冬嚴郭屬議男技層縣堅磨達辛蓋洲扶察孔班劃拂巾圓渠";

static IS_COMMON: LazyLock<Box<[bool]>> = LazyLock::new(|| {
    let mut common = vec![false; 0xa000 - 0x4e00];
    COMMON.chars().for_each(|c| common[c as usize - 0x4e00] = true);
    common.into()
});

static IS_FREQUENT: LazyLock<Box<[bool]>> = LazyLock::new(|| {
    let mut frequent = IS_COMMON.clone();
    FREQUENT.chars().for_each(|c| frequent[c as usize - 0x4e00] = true);
    frequent
});

/// Characters whose two bytes in GBK begin a character in UTF-8 of three: ideographs, `，` and `。`.
static BEGINS: LazyLock<Box<[bool]>> = LazyLock::new(|| {
    let ideographs = (0xe4..=0xe9).flat_map(|lead| (0x80..=0xbf).map(move |second| [lead, second]));
    table(ideographs.chain([[0xef, 0xbc], [0xe3, 0x80]]))
});

/// Characters whose two bytes in GBK end one in UTF-8 and begin another.
static CONTINUES: LazyLock<Box<[bool]>> = LazyLock::new(|| {
    let leads = || (0xe3..=0xe9).chain([0xe2, 0xef]);
    table((0x81..=0xbf).flat_map(|end| leads().map(move |lead| [end, lead])))
});

fn table(bytes: impl Iterator<Item = [u8; 2]>) -> Box<[bool]> {
    let mut table = vec![false; 0xa000 - 0x4e00];
    for bytes in bytes {
        let c = GBK.decode_without_bom_handling(&bytes).0.chars().next();
        if let Some(c @ '\u{4e00}'..='\u{9fff}') = c {
            table[c as usize - 0x4e00] = true;
        }
    }
    table.into()
}

fn is(table: &[bool], c: char) -> bool {
    (c as usize).checked_sub(0x4e00).and_then(|at| table.get(at)).is_some_and(|is| *is)
}

/// The first place of two characters that UTF-8 read as GBK begins with.
pub fn first_suspect(bytes: &[u8], mut at: usize) -> Option<usize> {
    let (begins, continues) = (&*BEGINS, &*CONTINUES);
    let holds = |table: &[bool], at: usize| match bytes.get(at..at + 3) {
        Some(&[lead @ 0xe4..=0xe9, second, third]) => {
            let code = usize::from(lead & 0xf) << 12 | usize::from(second & 0x3f) << 6 | usize::from(third & 0x3f);
            table.get(code.wrapping_sub(0x4e00)).is_some_and(|is| *is)
        }
        _ => false,
    };
    while at < bytes.len() {
        match bytes[at] {
            0xe4..=0xe9 => {
                if holds(begins, at) && holds(continues, at + 3) {
                    return Some(at);
                }
                at += 3;
            }
            byte if byte < 0x80 => {
                at += bytes[at..].iter().position(|byte| *byte >= 0x80).unwrap_or(bytes.len() - at);
            }
            _ => at += 1,
        }
    }
    None
}

/// Repairs the runs of a line that are GBK read as Latin-1.
pub fn repair_gbk(line: &str) -> Option<String> {
    // What a run says alone may be chance: Korean of the same kind has pairs that are common in Chinese.
    let mut all = Tally::default();
    for run in line.split(|c| !is_byte(c)).filter(|run| run.len() > 2) {
        all.add(&gbk_read_as_latin_1(run).unwrap_or_else(|| "？？".to_owned()), '？');
    }
    if !all.is_likely() {
        return None;
    }
    repair_runs(line, is_byte, |run, beside_letter| {
        if beside_letter && run.len() < 16 {
            return None;
        }
        gbk_read_as_latin_1(run).filter(|text| {
            let tally = Tally::of(text);
            tally.is_likely() || tally.is_one() && !beside_letter
        })
    })
}

/// Repairs the runs of a line that are UTF-8 read as GBK.
pub fn repair_utf8(line: &str) -> Option<String> {
    first_suspect(line.as_bytes(), 0)?;
    repair_runs(line, |c| !c.is_ascii(), |run, _| utf8_read_as_gbk(run))
}

/// Puts what `repair` makes of them in the place of longest runs of certain characters.
fn repair_runs(
    line: &str,
    belongs: impl Fn(char) -> bool,
    repair: impl Fn(&str, bool) -> Option<String>,
) -> Option<String> {
    let mut out = None::<String>;
    let (mut from, mut at) = (0, 0);
    while let Some(start) = line[at..].find(&belongs).map(|offset| at + offset) {
        let end = line[start..].find(|c| !belongs(c)).map_or(line.len(), |length| start + length);
        let beside_letter = line[..start].ends_with(|c: char| c.is_ascii_alphabetic())
            || line[end..].starts_with(|c: char| c.is_ascii_alphabetic());
        if let Some(repaired) = repair(&line[start..end], beside_letter) {
            out.get_or_insert_default().push_str(&line[from..start]);
            out.get_or_insert_default().push_str(&repaired);
            from = end;
        }
        at = end;
    }
    let mut out = out?;
    out.push_str(&line[from..]);
    Some(out)
}

/// Bytes of GB 2312 as Latin-1 has them.
fn is_byte(c: char) -> bool {
    matches!(c, '\u{a1}'..='\u{fe}')
}

/// What a run of at least two characters says as GBK, each of its bytes in two of UTF-8.
fn gbk_read_as_latin_1(run: &str) -> Option<String> {
    if run.is_empty() || !run.len().is_multiple_of(4) {
        return None;
    }
    let bytes: Vec<u8> = run.chars().map(|c| c as u8).collect();
    if !bytes.chunks(2).all(|pair| matches!(pair[0], 0xa1 | 0xa3 | 0xb0..=0xf7)) {
        return None;
    }
    GBK.decode_without_bom_handling_and_without_replacement(&bytes).map(Into::into)
}

fn utf8_read_as_gbk(run: &str) -> Option<String> {
    first_suspect(run.as_bytes(), 0)?;
    let (bytes, _, lossy) = GBK.encode(run);
    let text = std::str::from_utf8(&bytes).ok().filter(|_| !lossy)?;
    Tally::of(text).is_likely().then(|| text.to_owned())
}

/// Characters counted.
#[derive(Default)]
struct Tally {
    ideographs: usize,
    common: usize,
    /// Common ones and less common ones.
    frequent: usize,
    /// Neither ideographs nor punctuation.
    others: usize,
}

impl Tally {
    fn of(text: &str) -> Tally {
        let mut tally = Tally::default();
        tally.add(text, '\0');
        tally
    }

    /// Counts a text; `failed` stands for an ideograph that is not common.
    fn add(&mut self, text: &str, failed: char) {
        for c in text.chars() {
            match c {
                '\u{4e00}'..='\u{9fff}' => {
                    self.ideographs += 1;
                    self.common += usize::from(is(&IS_COMMON, c));
                    self.frequent += usize::from(is(&IS_FREQUENT, c));
                }
                _ if c == failed => self.ideographs += 1,
                '\u{2010}'..='\u{2026}' | '\u{3000}'..='\u{3029}' | '\u{ff01}'..='\u{ff5e}' | '\u{b7}' => {}
                _ => self.others += 1,
            }
        }
    }

    fn is_one(&self) -> bool {
        (self.ideographs, self.frequent, self.others) == (1, 1, 0)
    }

    fn is_likely(&self) -> bool {
        let enough = match self.ideographs {
            0..=1 => false,
            2..=5 => self.frequent == self.ideographs,
            many => 2 * self.common >= many,
        };
        enough && self.others == 0
    }
}

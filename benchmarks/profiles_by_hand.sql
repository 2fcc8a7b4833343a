-- The 150 features of profile_features.txt for every enterprise of the register, as somebody writes them who knows these
-- features and DuckDB and needs nothing else: no other day, key, link or applicant. `profiles.py` sets the macro as_of() and makes
-- a view of each source's index files; its text is run statement by statement. The aggregates' first draft was printed from the
-- definitions; the shape is by hand (what has a figure was measured, on 8 million rows of inv_monthly):
--   one pass a source with a GROUP BY of the code as it is (a whole number instead costs a join and saves nothing);
--   conditions told once as booleans below the aggregates, CASE in them instead of FILTER (1.6 times as fast);
--   window edges that are constants, and no fact from before the oldest of them;
--   months with a fact in a bit mask (14 times as fast as counting distinct months); the last value by arg_max_null;
--   projects and reports folded first, then counted; exact decimals, which cost what doubles do;
--   one small table a source, in doubles, before the one join; rows in the order in which the register's table was sorted.

CREATE OR REPLACE TEMP MACRO ago(months, days) AS (as_of() - to_months(months) - to_days(days))::DATE;
CREATE OR REPLACE TEMP MACRO month_end(days, earlier) AS
    (date_trunc('month', as_of() - to_days(days) + INTERVAL 1 DAY) - to_months(earlier) - INTERVAL 1 DAY)::DATE;
CREATE OR REPLACE TEMP MACRO month_no(day) AS year(day) * 12 + month(day);
CREATE OR REPLACE TEMP MACRO month_bit(day) AS 1::BIGINT << greatest(month_no(day) - month_no(as_of()) + 61, 0);
CREATE OR REPLACE TEMP MACRO visible(event_date, known_at, superseded_at, removed) AS
    known_at <= as_of() AND event_date <= as_of() AND (superseded_at IS NULL OR superseded_at > as_of()) AND NOT removed;
CREATE OR REPLACE TEMP TABLE enterprises AS
SELECT DISTINCT uscc FROM mkt_reg WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL
ORDER BY uscc;

CREATE OR REPLACE TEMP TABLE of_adm_penalty AS
SELECT uscc,
       count(CASE WHEN in_36m THEN 1 END) AS penalties_36m,
       count(CASE WHEN in_12m THEN 1 END) AS penalties_12m,
       (CASE WHEN count(CASE WHEN in_36m THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_36m THEN amount END) END)::DOUBLE AS fines_36m,
       count(CASE WHEN in_36m AND result_listed THEN 1 END) AS closures_36m,
       max(CASE WHEN in_12m THEN amount END)::DOUBLE AS largest_amount_in_12m,
       count(CASE WHEN in_12m AND result_listed THEN 1 END) AS closures_12m
FROM (
    SELECT uscc,
           amount,
           event_date > ago(36, 0) AS in_36m,
           event_date > ago(12, 0) AS in_12m,
           result IN ('责令停产', '吊销') AS result_listed
    FROM adm_penalty
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(36, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_agri AS
SELECT uscc,
       (sum(CASE WHEN in_12m THEN insured_amt END))::DOUBLE AS agri_production_cost,
       CASE WHEN count(CASE WHEN in_12m THEN 1 END) > 0 THEN count(CASE WHEN in_12m AND kind_is THEN 1 END) END AS disasters_12m,
       (CASE WHEN count(CASE WHEN in_12m THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_12m AND kind_is_2 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12m AND kind_is_2 THEN insured_amt END) END)::DOUBLE AS agricultural_insurance_12m
FROM (
    SELECT uscc,
           insured_amt,
           event_date > ago(12, 0) AS in_12m,
           kind = '灾害' AS kind_is,
           kind = '保险' AS kind_is_2
    FROM agri
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(12, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_bank_feedback AS
SELECT uscc,
       max(CASE WHEN in_12m THEN overdue_days END)::DOUBLE AS worst_overdue_12m,
       CASE WHEN count(CASE WHEN in_12m THEN 1 END) > 0 THEN count(CASE WHEN in_12m AND limit_cut_over THEN 1 END) END AS line_cuts_12m,
       CASE WHEN count(CASE WHEN in_3m THEN 1 END) > 0 THEN count(CASE WHEN in_3m AND is_frozen THEN 1 END) END AS line_frozen,
       CASE WHEN count(CASE WHEN in_24m THEN 1 END) > 0 THEN count(DISTINCT guar_id) FILTER (WHERE in_24m AND special_trade_listed) END AS special_trades_24m
FROM (
    SELECT uscc,
           guar_id,
           is_frozen,
           overdue_days,
           event_date > ago(12, 0) AS in_12m,
           limit_cut > 0 AS limit_cut_over,
           event_date > ago(3, 0) AS in_3m,
           event_date > ago(24, 0) AS in_24m,
           special_trade IN ('展期', '借新还旧', '无还本续贷', '重组') AS special_trade_listed
    FROM bank_feedback
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(24, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_bidding AS
WITH projects AS (  -- once a project first: counting distinct projects four times would keep four tables of them
    SELECT uscc, project,
           count(CASE WHEN in_12m THEN 1 END) AS rows_12m,
           count(*) AS rows_24m,
           count(*) - count(CASE WHEN in_12m THEN 1 END) AS rows_before,
           bool_or(in_12m AND took_part) AS bid_12m,
           bool_or(in_12m AND won) AS won_12m,
           bool_or(won) AS won_24m,
           bool_or(took_part) AS bid_24m,
           count(CASE WHEN in_12m AND won THEN 1 END) AS wins_12m,
           sum(CASE WHEN in_12m AND won THEN amt END) AS amt_12m,
           count(CASE WHEN NOT in_12m AND won THEN 1 END) AS wins_before,
           sum(CASE WHEN NOT in_12m AND won THEN amt END) AS amt_before,
           max(CASE WHEN won THEN amt END) AS largest
    FROM (
        SELECT uscc, project, amt, event_date > ago(12, 0) AS in_12m, role = '中标' AS won, role IN ('投标', '中标') AS took_part
        FROM bidding
        WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(24, 0)
    )
    GROUP BY uscc, project
)
SELECT uscc,
       CASE WHEN sum(rows_12m) > 0 THEN count(CASE WHEN bid_12m THEN project END) END AS bids_12m,
       CASE WHEN sum(rows_12m) > 0 THEN count(CASE WHEN won_12m THEN project END) END AS awards_12m,
       CASE WHEN sum(rows_12m) = 0 THEN NULL WHEN sum(wins_12m) = 0 THEN 0 ELSE sum(amt_12m) END::DOUBLE AS award_amount_12m,
       count(CASE WHEN won_24m THEN project END) AS distinct_project_in_24m_chosen,
       count(CASE WHEN bid_24m THEN project END) AS distinct_project_in_24m_chosen_2,
       max(largest)::DOUBLE AS largest_award_24m,
       CASE WHEN sum(rows_before) = 0 THEN NULL WHEN sum(wins_before) = 0 THEN 0 ELSE sum(amt_before) END::DOUBLE AS total_amt_in_12m_12m_back_chosen
FROM projects
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_contract AS
SELECT uscc,
       count(CASE WHEN in_36m AND is_renewal THEN 1 END) AS renewals_36m
FROM (
    SELECT uscc,
           is_renewal,
           event_date > ago(36, 0) AS in_36m
    FROM contract
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(36, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_court_case AS
SELECT uscc,
       CASE WHEN count(CASE WHEN in_24m THEN 1 END) > 0 THEN count(CASE WHEN in_24m AND role_is THEN 1 END) END AS defendant_cases_24m,
       (CASE WHEN count(CASE WHEN in_24m THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_24m AND role_is THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_24m AND role_is THEN amount END) END)::DOUBLE AS defendant_amount_24m,
       CASE WHEN count(CASE WHEN in_24m THEN 1 END) > 0 THEN count(CASE WHEN in_24m AND role_is_2 THEN 1 END) END AS plaintiff_cases_24m,
       (CASE WHEN count(CASE WHEN in_24m THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_24m AND role_is_2 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_24m AND role_is_2 THEN amount END) END)::DOUBLE AS plaintiff_amount_24m,
       CASE WHEN count(CASE WHEN in_24m THEN 1 END) > 0 THEN count(CASE WHEN in_24m AND role_is AND cause_listed THEN 1 END) END AS lending_defendant_24m,
       (CASE WHEN count(CASE WHEN in_24m THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_24m AND role_is AND cause_listed THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_24m AND role_is AND cause_listed THEN amount END) END)::DOUBLE AS lending_defendant_amount_24m,
       CASE WHEN count(CASE WHEN in_12m THEN 1 END) > 0 THEN count(CASE WHEN in_12m AND role_is AND cause_listed_2 THEN 1 END) END AS labour_defendant_12m,
       CASE WHEN count(CASE WHEN in_24m THEN 1 END) > 0 THEN count(CASE WHEN in_24m AND role_is AND result_listed THEN 1 END) END AS lost_cases_24m,
       CASE WHEN count(CASE WHEN in_24m THEN 1 END) > 0 THEN count(CASE WHEN in_24m AND role_is AND cause_listed AND result_listed_2 THEN 1 END) END AS count_facts_in_24m_chosen_5,
       (CASE WHEN count(CASE WHEN in_24m THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_24m AND role_is AND cause_listed AND result_listed_2 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_24m AND role_is AND cause_listed AND result_listed_2 THEN amount END) END)::DOUBLE AS total_amount_in_24m_chosen_4,
       CASE WHEN count(CASE WHEN in_6m THEN 1 END) > 0 THEN count(CASE WHEN in_6m AND role_is AND cause_listed_3 THEN 1 END) END AS count_facts_in_6m_chosen,
       (CASE WHEN count(CASE WHEN in_6m THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_6m AND role_is AND cause_listed_3 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_6m AND role_is AND cause_listed_3 THEN amount END) END)::DOUBLE AS total_amount_in_6m_chosen,
       (CASE WHEN count(CASE WHEN in_6m THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_6m AND role_is AND cause_listed_3 AND result_listed_2 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_6m AND role_is AND cause_listed_3 AND result_listed_2 THEN amount END) END)::DOUBLE AS total_amount_in_6m_chosen_2
FROM (
    SELECT uscc,
           amount,
           event_date > ago(24, 0) AS in_24m,
           role = '被告' AS role_is,
           role = '原告' AS role_is_2,
           cause IN ('金融借款合同纠纷', '民间借贷纠纷', '借款合同纠纷', '小额借款合同纠纷', '追偿权纠纷', '保证合同纠纷', '票据纠纷', '票据追索权纠纷', '信用卡纠纷', '融资租赁合同纠纷') AS cause_listed,
           event_date > ago(12, 0) AS in_12m,
           cause IN ('劳动争议', '劳动合同纠纷', '追索劳动报酬纠纷') AS cause_listed_2,
           result IN ('败诉', '部分胜诉') AS result_listed,
           result IN ('胜诉', '撤诉', '驳回', '调解') AS result_listed_2,
           event_date > ago(6, 0) AS in_6m,
           cause IN ('买卖合同纠纷', '承揽合同纠纷', '建设工程施工合同纠纷', '运输合同纠纷', '租赁合同纠纷', '服务合同纠纷', '合同纠纷', '劳动争议', '劳动合同纠纷', '追索劳动报酬纠纷', '票据纠纷', '票据追索权纠纷') AS cause_listed_3
    FROM court_case
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(24, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_court_exec AS
SELECT uscc,
       count(CASE WHEN in_6m THEN 1 END) AS enforcements_6m,
       (CASE WHEN count(*) = 0 THEN 0 ELSE sum(exec_target) END)::DOUBLE AS total_exec_target
FROM (
    SELECT uscc,
           exec_target,
           event_date > ago(6, 0) AS in_6m
    FROM court_exec
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_court_freeze AS
SELECT uscc,
       count(CASE WHEN in_24m AND kind_is THEN 1 END) AS judicial_auctions_24m
FROM (
    SELECT uscc,
           event_date > ago(24, 0) AS in_24m,
           kind = '司法拍卖' AS kind_is
    FROM court_freeze
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(24, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_customs AS
SELECT uscc,
       (sum(CASE WHEN in_12_months_after_50d THEN export_amt END))::DOUBLE AS exports_12m,
       (sum(CASE WHEN in_12_months_12_back_after_50d THEN export_amt END))::DOUBLE AS total_export_amt_in_12_months_12_back_after_50d
FROM (
    SELECT uscc,
           export_amt,
           event_date > month_end(50, 12) AND event_date <= month_end(50, 0) AS in_12_months_after_50d,
           event_date > month_end(50, 24) AND event_date <= month_end(50, 12) AS in_12_months_12_back_after_50d
    FROM customs
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > month_end(50, 24)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_env_safety AS
SELECT uscc,
       CASE WHEN count(CASE WHEN in_36m THEN 1 END) > 0 THEN count(CASE WHEN in_36m AND accident_level_listed THEN 1 END) END AS count_facts_in_36m_chosen,
       CASE WHEN count(CASE WHEN in_36m THEN 1 END) > 0 THEN count(CASE WHEN in_36m AND accident_level_is THEN 1 END) END AS count_facts_in_36m_chosen_2,
       CASE WHEN count(CASE WHEN in_36m THEN 1 END) > 0 THEN count(CASE WHEN in_36m AND kind_is THEN 1 END) END AS count_facts_in_36m_chosen_3,
       CASE WHEN count(CASE WHEN in_36m THEN 1 END) > 0 THEN count(CASE WHEN in_36m AND rating_listed THEN 1 END) END AS environment_bad_ratings_36m,
       CASE WHEN count(CASE WHEN in_36m THEN 1 END) > 0 THEN count(CASE WHEN in_36m AND kind_is_2 THEN 1 END) END AS accidents_36m,
       CASE WHEN count(CASE WHEN in_12m THEN 1 END) > 0 THEN count(CASE WHEN in_12m AND kind_is_2 THEN 1 END) END AS count_facts_in_12m_chosen
FROM (
    SELECT uscc,
           event_date > ago(36, 0) AS in_36m,
           accident_level IN ('重大', '特别重大') AS accident_level_listed,
           accident_level = '较大' AS accident_level_is,
           kind = '停产整治' AS kind_is,
           rating IN ('红', '黑') AS rating_listed,
           kind = '安全事故' AS kind_is_2,
           event_date > ago(12, 0) AS in_12m
    FROM env_safety
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(36, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_equity_pledge AS
SELECT uscc,
       count(CASE WHEN in_12m THEN 1 END) AS equity_pledges_12m
FROM (
    SELECT uscc,
           event_date > ago(12, 0) AS in_12m
    FROM equity_pledge
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(12, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_gov_fund AS
SELECT uscc,
       (CASE WHEN count(CASE WHEN in_24m THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_24m AND item_is THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_24m AND item_is THEN amt END) END)::DOUBLE AS procurement_24m
FROM (
    SELECT uscc,
           amt,
           event_date > ago(24, 0) AS in_24m,
           item = '政府采购' AS item_is
    FROM gov_fund
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(24, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_inv_monthly AS
SELECT uscc,
       (CASE WHEN count(CASE WHEN in_12_months_after_30d AND dir_is THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months_after_30d AND dir_is THEN blue_amt END) END)::DOUBLE AS total_blue_amt_in_12_months_after_30d_chosen,
       (CASE WHEN count(CASE WHEN in_12_months_after_30d AND dir_is THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months_after_30d AND dir_is THEN red_amt END) END)::DOUBLE AS total_red_amt_in_12_months_after_30d_chosen,
       (CASE WHEN count(CASE WHEN in_12_months_after_10d AND dir_is THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months_after_10d AND dir_is THEN blue_amt END) END)::DOUBLE AS invoiced_12m,
       (CASE WHEN count(CASE WHEN in_3_months_after_10d AND dir_is THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_3_months_after_10d AND dir_is THEN blue_amt END) END)::DOUBLE AS invoiced_3m,
       (CASE WHEN count(CASE WHEN in_12_months_12_back_after_10d AND dir_is THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months_12_back_after_10d AND dir_is THEN blue_amt END) END)::DOUBLE AS total_blue_amt_in_12_months_12_back_after_10d_chosen,
       (CASE WHEN count(CASE WHEN in_6_months_after_10d AND dir_is AND month_not_01 AND month_not_02 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_6_months_after_10d AND dir_is AND month_not_01 AND month_not_02 THEN blue_amt END) END)::DOUBLE AS total_blue_amt_in_6_months_after_10d_chosen,
       (CASE WHEN count(CASE WHEN in_6_months_12_back_after_10d AND dir_is AND month_not_01 AND month_not_02 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_6_months_12_back_after_10d AND dir_is AND month_not_01 AND month_not_02 THEN blue_amt END) END)::DOUBLE AS total_blue_amt_in_6_months_12_back_after_10d_chosen,
       (count(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN 1 END) * sum(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN month_x::DECIMAL(9,0) * blue_amt::DECIMAL(28,2) END)::DOUBLE - sum(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN month_x END)::DOUBLE * sum(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN blue_amt END)::DOUBLE) / nullif(count(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN 1 END) * sum(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN month_x * month_x END)::DOUBLE - sum(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN month_x END)::DOUBLE * sum(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN month_x END)::DOUBLE, 0) AS trend_blue_amt_in_12_months_after_10d_chosen,
       sum(CASE WHEN in_12_months_after_10d AND dir_is THEN blue_amt END)::DOUBLE / nullif(count(CASE WHEN in_12_months_after_10d AND dir_is THEN blue_amt END), 0) AS mean_blue_amt_in_12_months_after_10d_chosen,
       sqrt(CASE WHEN (sum(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN blue_amt::DECIMAL(19,2) * blue_amt END)::DOUBLE - sum(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN blue_amt END)::DOUBLE * sum(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN blue_amt END)::DOUBLE / nullif(count(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN 1 END)::DOUBLE, 0)) / nullif(count(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN 1 END)::DOUBLE - 1, 0) < sum(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN blue_amt::DECIMAL(19,2) * blue_amt END)::DOUBLE * 1e-12 AND count(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN 1 END)::DOUBLE > 1 THEN 0.0 ELSE (sum(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN blue_amt::DECIMAL(19,2) * blue_amt END)::DOUBLE - sum(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN blue_amt END)::DOUBLE * sum(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN blue_amt END)::DOUBLE / nullif(count(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN 1 END)::DOUBLE, 0)) / nullif(count(CASE WHEN in_12_months_after_10d AND dir_is AND blue_amt IS NOT NULL THEN 1 END)::DOUBLE - 1, 0) END) AS volatility_blue_amt_in_12_months_after_10d_chosen,
       coalesce(bit_count(bit_or(CASE WHEN in_12_months_after_10d AND dir_is AND blue_cnt_over THEN month_bit END)), 0) AS months_invoiced_12m,
       (CASE WHEN count(CASE WHEN in_12_months_after_10d AND dir_is THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months_after_10d AND dir_is THEN red_amt END) END)::DOUBLE AS total_red_amt_in_12_months_after_10d_chosen,
       sum(CASE WHEN in_6_months_after_10d AND dir_is THEN cp_cnt END)::DOUBLE / nullif(count(CASE WHEN in_6_months_after_10d AND dir_is THEN cp_cnt END), 0) AS customers_mean_6m,
       sum(CASE WHEN in_6_months_6_back_after_10d AND dir_is THEN cp_cnt END)::DOUBLE / nullif(count(CASE WHEN in_6_months_6_back_after_10d AND dir_is THEN cp_cnt END), 0) AS mean_cp_cnt_in_6_months_6_back_after_10d_chosen,
       (CASE WHEN count(CASE WHEN in_12_months_after_10d AND dir_is_2 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months_after_10d AND dir_is_2 THEN blue_amt END) END)::DOUBLE AS purchases_12m,
       (CASE WHEN count(CASE WHEN in_12_months_12_back_after_10d AND dir_is_2 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months_12_back_after_10d AND dir_is_2 THEN blue_amt END) END)::DOUBLE AS total_blue_amt_in_12_months_12_back_after_10d_chosen_2,
       count(CASE WHEN in_12_months_after_10d AND dir_is THEN 1 END) AS invoice_reports_12m,
       (CASE WHEN count(CASE WHEN in_3_months_after_10d AND dir_is AND month_not_01 AND month_not_02 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_3_months_after_10d AND dir_is AND month_not_01 AND month_not_02 THEN blue_amt END) END)::DOUBLE AS total_blue_amt_in_3_months_after_10d_chosen_2,
       count(CASE WHEN in_3_months_after_10d AND dir_is AND month_is_01 THEN 1 END) AS count_facts_in_3_months_after_10d_chosen,
       count(CASE WHEN in_3_months_12_back_after_10d AND dir_is AND month_is_01 THEN 1 END) AS count_facts_in_3_months_12_back_after_10d_chosen,
       count(CASE WHEN in_3_months_after_10d AND dir_is AND month_is_02 THEN 1 END) AS count_facts_in_3_months_after_10d_chosen_2,
       count(CASE WHEN in_3_months_12_back_after_10d AND dir_is AND month_is_02 THEN 1 END) AS count_facts_in_3_months_12_back_after_10d_chosen_2,
       (CASE WHEN count(CASE WHEN in_3_months_after_10d AND dir_is AND month_listed THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_3_months_after_10d AND dir_is AND month_listed THEN blue_amt END) END)::DOUBLE AS total_blue_amt_in_3_months_after_10d_chosen_3,
       (CASE WHEN count(CASE WHEN in_3_months_12_back_after_10d AND dir_is AND month_not_01 AND month_not_02 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_3_months_12_back_after_10d AND dir_is AND month_not_01 AND month_not_02 THEN blue_amt END) END)::DOUBLE AS total_blue_amt_in_3_months_12_back_after_10d_chosen,
       (CASE WHEN count(CASE WHEN in_3_months_12_back_after_10d AND dir_is AND month_listed THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_3_months_12_back_after_10d AND dir_is AND month_listed THEN blue_amt END) END)::DOUBLE AS total_blue_amt_in_3_months_12_back_after_10d_chosen_2
FROM (
    SELECT uscc,
           blue_amt,
           cp_cnt,
           month_bit(event_date) AS month_bit,
           month_no(event_date) - month_no(as_of()) AS month_x,
           red_amt,
           event_date > month_end(30, 12) AND event_date <= month_end(30, 0) AS in_12_months_after_30d,
           dir = '销' AS dir_is,
           event_date > month_end(10, 12) AND event_date <= month_end(10, 0) AS in_12_months_after_10d,
           event_date > month_end(10, 3) AND event_date <= month_end(10, 0) AS in_3_months_after_10d,
           event_date > month_end(10, 24) AND event_date <= month_end(10, 12) AS in_12_months_12_back_after_10d,
           event_date > month_end(10, 6) AND event_date <= month_end(10, 0) AS in_6_months_after_10d,
           month <> '01' AS month_not_01,
           month <> '02' AS month_not_02,
           event_date > month_end(10, 18) AND event_date <= month_end(10, 12) AS in_6_months_12_back_after_10d,
           blue_cnt > 0 AS blue_cnt_over,
           event_date > month_end(10, 12) AND event_date <= month_end(10, 6) AS in_6_months_6_back_after_10d,
           dir = '进' AS dir_is_2,
           month = '01' AS month_is_01,
           event_date > month_end(10, 15) AND event_date <= month_end(10, 12) AS in_3_months_12_back_after_10d,
           month = '02' AS month_is_02,
           month IN ('01', '02') AS month_listed
    FROM inv_monthly
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > month_end(10, 24)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_jobs AS
SELECT uscc,
       (sum(CASE WHEN in_3_months_after_30d THEN posts END))::DOUBLE AS posts_3m,
       (sum(CASE WHEN in_12_months_after_30d THEN posts END))::DOUBLE AS total_posts_in_12_months_after_30d,
       (sum(CASE WHEN in_12_months_12_back_after_30d THEN posts END))::DOUBLE AS total_posts_in_12_months_12_back_after_30d,
       (sum(CASE WHEN in_3_months_12_back_after_30d THEN posts END))::DOUBLE AS total_posts_in_3_months_12_back_after_30d
FROM (
    SELECT uscc,
           posts,
           event_date > month_end(30, 3) AND event_date <= month_end(30, 0) AS in_3_months_after_30d,
           event_date > month_end(30, 12) AND event_date <= month_end(30, 0) AS in_12_months_after_30d,
           event_date > month_end(30, 24) AND event_date <= month_end(30, 12) AS in_12_months_12_back_after_30d,
           event_date > month_end(30, 15) AND event_date <= month_end(30, 12) AS in_3_months_12_back_after_30d
    FROM jobs
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > month_end(30, 24)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_mkt_change AS
SELECT uscc,
       count(CASE WHEN in_12m AND change_item_is THEN 1 END) AS holder_changes_12m,
       count(CASE WHEN in_6m AND change_item_listed THEN 1 END) AS control_changes_6m,
       (CASE WHEN count(CASE WHEN in_12m AND change_item_is_2 AND before_amt IS NOT NULL AND after_amt IS NOT NULL THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12m AND change_item_is_2 AND before_amt IS NOT NULL AND after_amt IS NOT NULL THEN after_amt END) END)::DOUBLE AS total_after_amt_in_12m_chosen,
       (CASE WHEN count(CASE WHEN in_12m AND change_item_is_2 AND before_amt IS NOT NULL AND after_amt IS NOT NULL THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12m AND change_item_is_2 AND before_amt IS NOT NULL AND after_amt IS NOT NULL THEN before_amt END) END)::DOUBLE AS total_before_amt_in_12m_chosen,
       count(CASE WHEN in_12m THEN 1 END) AS changes_12m,
       count(CASE WHEN in_12m AND change_item_is_3 THEN 1 END) AS legal_rep_changes_12m,
       count(CASE WHEN in_12m AND change_item_is_4 THEN 1 END) AS address_changes_12m,
       count(CASE WHEN in_12m AND change_item_listed_2 THEN 1 END) AS scope_changes_12m,
       count(CASE WHEN in_36m AND change_item_is_5 THEN 1 END) AS name_changes_36m,
       count(CASE WHEN in_24m AND change_item_is_2 THEN 1 END) AS capital_changes_24m,
       count(CASE WHEN in_12m AND change_item_is_6 THEN 1 END) AS people_changes_12m,
       arg_min_null(before_amt, fact_rank) FILTER (WHERE in_12m AND change_item_is_2 AND before_amt IS NOT NULL AND after_amt IS NOT NULL) AS first_before_amt_in_12m_chosen,
       count(CASE WHEN in_12m AND change_item_is_2 AND after_amt IS NULL THEN 1 END) AS count_facts_in_12m_chosen_6,
       count(CASE WHEN in_12m AND change_item_is_7 THEN 1 END) AS industry_changes_12m
FROM (
    SELECT uscc,
           after_amt,
           before_amt,
           fact_rank,
           event_date > ago(12, 0) AS in_12m,
           change_item = '股东' AS change_item_is,
           event_date > ago(6, 0) AS in_6m,
           change_item IN ('法定代表人', '股东') AS change_item_listed,
           change_item = '注册资本' AS change_item_is_2,
           change_item = '法定代表人' AS change_item_is_3,
           change_item = '住所' AS change_item_is_4,
           change_item IN ('经营范围', '行业') AS change_item_listed_2,
           event_date > ago(36, 0) AS in_36m,
           change_item = '名称' AS change_item_is_5,
           event_date > ago(24, 0) AS in_24m,
           change_item = '主要人员' AS change_item_is_6,
           change_item = '行业' AS change_item_is_7
    FROM mkt_change
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(36, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_movable_pledge AS
SELECT uscc,
       CASE WHEN count(CASE WHEN in_3m THEN 1 END) > 0 THEN count(CASE WHEN in_3m THEN 1 END) END AS count_facts_in_3m,
       CASE WHEN count(CASE WHEN in_12m THEN 1 END) > 0 THEN count(CASE WHEN in_12m THEN 1 END) END AS movable_pledges_12m,
       CASE WHEN count(CASE WHEN in_12m THEN 1 END) > 0 THEN count(CASE WHEN in_12m AND type_listed THEN 1 END) END AS receivables_pledged_12m,
       (CASE WHEN count(CASE WHEN in_12m THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_12m AND type_listed_2 AND status_is AND exp_dt_unknown_or_not_before_as_of THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12m AND type_listed_2 AND status_is AND exp_dt_unknown_or_not_before_as_of THEN amt END) END)::DOUBLE AS total_amt_in_12m_chosen,
       (CASE WHEN count(CASE WHEN in_12m THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_12m AND type_listed_2 AND status_is AND exp_dt_unknown_or_not_before_as_of AND is_own THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12m AND type_listed_2 AND status_is AND exp_dt_unknown_or_not_before_as_of AND is_own THEN amt END) END)::DOUBLE AS total_amt_in_12m_chosen_2
FROM (
    SELECT uscc,
           amt,
           is_own,
           event_date > ago(3, 0) AS in_3m,
           event_date > ago(12, 0) AS in_12m,
           type IN ('应收账款质押', '应收账款转让') AS type_listed,
           type IN ('应收账款质押', '应收账款转让', '存货质押', '仓单质押', '浮动抵押') AS type_listed_2,
           status = '有效' AS status_is,
           (exp_dt IS NULL OR exp_dt >= as_of()) AS exp_dt_unknown_or_not_before_as_of
    FROM movable_pledge
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(12, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_overdue AS
SELECT uscc,
       count(CASE WHEN in_24m THEN 1 END) AS overdues_24m
FROM (
    SELECT uscc,
           event_date > ago(24, 0) AS in_24m
    FROM overdue
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(24, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_pboc_ent AS
SELECT uscc,
       arg_max_null(overdue_principal, fact_rank) FILTER (WHERE in_7m) AS latest_overdue_principal_in_7m,
       arg_max_null(overdue_interest, fact_rank) FILTER (WHERE in_7m) AS latest_overdue_interest_in_7m,
       arg_max_null(watch_balance, fact_rank) AS latest_watch_balance,
       arg_max_null(bad_balance, fact_rank) AS latest_bad_balance,
       CASE WHEN count(CASE WHEN in_6m THEN 1 END) > 0 THEN count(CASE WHEN in_6m THEN 1 END) END AS count_facts_in_6m,
       max(CASE WHEN in_24m THEN overdue_90d END)::DOUBLE AS credit_overdue_90d_24m
FROM (
    SELECT uscc,
           bad_balance,
           fact_rank,
           overdue_90d,
           overdue_interest,
           overdue_principal,
           watch_balance,
           event_date > ago(7, 0) AS in_7m,
           event_date > ago(6, 0) AS in_6m,
           event_date > ago(24, 0) AS in_24m
    FROM pboc_ent
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_pboc_guar AS
WITH reports AS (  -- each report repeats every liability: once a report first, then the reports of an enterprise
    SELECT uscc, report_dt,
           count(CASE WHEN in_6m THEN 1 END) AS liabilities,
           sum(CASE WHEN in_6m THEN watch_balance END) AS watched,
           sum(CASE WHEN in_6m THEN bad_balance END) AS bad,
           sum(CASE WHEN in_6m THEN balance END) AS balance
    FROM (
        SELECT uscc, report_dt, watch_balance, bad_balance, balance, event_date > ago(6, 0) AS in_6m
        FROM pboc_guar
        WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL
    )
    GROUP BY uscc, report_dt
)
SELECT uscc,
       sum(watched)::DOUBLE AS total_watch_balance_in_6m,
       CASE WHEN sum(liabilities) > 0 THEN count(CASE WHEN liabilities > 0 THEN report_dt END) END AS distinct_report_dt_in_6m,
       sum(bad)::DOUBLE AS total_bad_balance_in_6m,
       sum(balance)::DOUBLE AS total_balance_in_6m,
       CASE WHEN sum(liabilities) = 0 THEN NULL
            WHEN coalesce(arg_max(liabilities, report_dt), 0) = 0 THEN 0
            ELSE arg_max_null(watched, report_dt) FILTER (WHERE report_dt IS NOT NULL) END::DOUBLE AS total_watch_balance_in_6m_chosen,
       CASE WHEN sum(liabilities) = 0 THEN NULL
            WHEN coalesce(arg_max(liabilities, report_dt), 0) = 0 THEN 0
            ELSE arg_max_null(bad, report_dt) FILTER (WHERE report_dt IS NOT NULL) END::DOUBLE AS total_bad_balance_in_6m_chosen
FROM reports
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_pboc_person AS
SELECT uscc,
       max(CASE WHEN in_12m THEN overdue_acct_max_2y END)::DOUBLE AS persons_account_overdue_2y,
       max(CASE WHEN in_12m THEN overdue_90d_cnt END)::DOUBLE AS persons_overdue_90d,
       max(CASE WHEN in_12m THEN current_overdue END)::DOUBLE AS persons_overdue,
       max(CASE WHEN in_12m THEN overdue_cnt_2y END)::DOUBLE AS persons_overdue_times_2y,
       max(CASE WHEN in_12m THEN max_overdue_months END)::DOUBLE AS persons_longest_overdue,
       max(CASE WHEN in_12m THEN card_use_rate END)::DOUBLE AS persons_card_use,
       max(CASE WHEN in_12m THEN query_cnt_3m END)::DOUBLE AS persons_queries_3m,
       max(CASE WHEN in_6m AND relation_listed THEN overdue_days END)::DOUBLE AS largest_overdue_days_in_6m_chosen,
       CASE WHEN count(CASE WHEN in_6m THEN 1 END) > 0 THEN count(CASE WHEN in_6m AND relation_listed THEN 1 END) END AS count_facts_in_6m_chosen,
       max(CASE WHEN in_6m AND relation_listed THEN card_use_rate END)::DOUBLE AS largest_card_use_rate_in_6m_chosen,
       max(CASE WHEN in_6m AND relation_listed THEN card_min_cnt END)::DOUBLE AS heads_minimum_cards
FROM (
    SELECT uscc,
           card_min_cnt,
           card_use_rate,
           current_overdue,
           max_overdue_months,
           overdue_90d_cnt,
           overdue_acct_max_2y,
           overdue_cnt_2y,
           overdue_days,
           query_cnt_3m,
           event_date > ago(12, 0) AS in_12m,
           event_date > ago(6, 0) AS in_6m,
           relation IN ('法定代表人', '实际控制人') AS relation_listed
    FROM pboc_person
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(12, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_risk_task AS
SELECT uscc,
       count(CASE WHEN in_12m THEN 1 END) AS count_facts_in_12m,
       count(CASE WHEN in_12m AND conclusion_is THEN 1 END) AS count_facts_in_12m_chosen
FROM (
    SELECT uscc,
           event_date > ago(12, 0) AS in_12m,
           conclusion = '误报' AS conclusion_is
    FROM risk_task
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(12, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_sentiment AS
SELECT uscc,
       CASE WHEN count(CASE WHEN in_3m THEN 1 END) > 0 THEN count(CASE WHEN in_3m AND entity_conf_over AND polarity_under THEN 1 END) END AS bad_news_3m,
       CASE WHEN count(CASE WHEN in_12m THEN 1 END) > 0 THEN count(CASE WHEN in_12m AND entity_conf_over AND polarity_under THEN 1 END) END AS bad_news_12m,
       sum(CASE WHEN in_12m AND entity_conf_over THEN polarity::DECIMAL(28,6) END)::DOUBLE / nullif(count(CASE WHEN in_12m AND entity_conf_over THEN polarity END), 0) AS mean_polarity_12m,
       CASE WHEN count(CASE WHEN in_7d THEN 1 END) > 0 THEN count(DISTINCT source) FILTER (WHERE in_7d AND entity_conf_over AND polarity_under) END AS distinct_source_in_7d_chosen,
       CASE WHEN count(CASE WHEN in_7d THEN 1 END) > 0 THEN count(CASE WHEN in_7d AND entity_conf_over AND polarity_under AND media_level_is THEN 1 END) END AS count_facts_in_7d_chosen
FROM (
    SELECT uscc,
           polarity,
           source,
           event_date > ago(3, 0) AS in_3m,
           entity_conf >= 0.8 AS entity_conf_over,
           polarity <= -0.6 AS polarity_under,
           event_date > ago(12, 0) AS in_12m,
           event_date > ago(0, 7) AS in_7d,
           media_level = '官方媒体' AS media_level_is
    FROM sentiment
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(12, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_si_monthly AS
SELECT uscc,
       sum(CASE WHEN in_6_months_after_45d THEN insured_cnt END)::DOUBLE / nullif(count(CASE WHEN in_6_months_after_45d THEN insured_cnt END), 0) AS insured_mean_6m,
       arg_max_null(insured_cnt, fact_rank) FILTER (WHERE in_1_months_after_45d) AS latest_insured_cnt_in_1_months_after_45d,
       arg_max_null(insured_cnt, fact_rank) FILTER (WHERE in_1_months_6_back_after_45d) AS latest_insured_cnt_in_1_months_6_back_after_45d,
       (count(CASE WHEN in_12_months_after_45d AND insured_cnt IS NOT NULL THEN 1 END) * sum(CASE WHEN in_12_months_after_45d AND insured_cnt IS NOT NULL THEN month_x * insured_cnt END)::DOUBLE - sum(CASE WHEN in_12_months_after_45d AND insured_cnt IS NOT NULL THEN month_x END)::DOUBLE * sum(CASE WHEN in_12_months_after_45d AND insured_cnt IS NOT NULL THEN insured_cnt::DECIMAL(19,0) END)::DOUBLE) / nullif(count(CASE WHEN in_12_months_after_45d AND insured_cnt IS NOT NULL THEN 1 END) * sum(CASE WHEN in_12_months_after_45d AND insured_cnt IS NOT NULL THEN month_x * month_x END)::DOUBLE - sum(CASE WHEN in_12_months_after_45d AND insured_cnt IS NOT NULL THEN month_x END)::DOUBLE * sum(CASE WHEN in_12_months_after_45d AND insured_cnt IS NOT NULL THEN month_x END)::DOUBLE, 0) AS trend_insured_cnt_in_12_months_after_45d,
       sum(CASE WHEN in_12_months_after_45d THEN insured_cnt END)::DOUBLE / nullif(count(CASE WHEN in_12_months_after_45d THEN insured_cnt END), 0) AS mean_insured_cnt_in_12_months_after_45d,
       (CASE WHEN count(CASE WHEN in_6_months_after_45d THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_6_months_after_45d THEN paid END) END)::DOUBLE AS total_paid_in_6_months_after_45d,
       (CASE WHEN count(CASE WHEN in_6_months_after_45d THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_6_months_after_45d THEN payable END) END)::DOUBLE AS total_payable_in_6_months_after_45d,
       max(CASE WHEN in_6_months_1_back_after_45d THEN insured_cnt END)::DOUBLE AS insured_most_before,
       arg_max_null(insured_cnt, fact_rank) FILTER (WHERE in_1_months_1_back_after_45d) AS latest_insured_cnt_in_1_months_1_back_after_45d,
       max(CASE WHEN in_6_months_2_back_after_45d THEN insured_cnt END)::DOUBLE AS largest_insured_cnt_in_6_months_2_back_after_45d
FROM (
    SELECT uscc,
           fact_rank,
           insured_cnt,
           month_no(event_date) - month_no(as_of()) AS month_x,
           paid,
           payable,
           event_date > month_end(45, 6) AND event_date <= month_end(45, 0) AS in_6_months_after_45d,
           event_date > month_end(45, 1) AND event_date <= month_end(45, 0) AS in_1_months_after_45d,
           event_date > month_end(45, 7) AND event_date <= month_end(45, 6) AS in_1_months_6_back_after_45d,
           event_date > month_end(45, 12) AND event_date <= month_end(45, 0) AS in_12_months_after_45d,
           event_date > month_end(45, 7) AND event_date <= month_end(45, 1) AS in_6_months_1_back_after_45d,
           event_date > month_end(45, 2) AND event_date <= month_end(45, 1) AS in_1_months_1_back_after_45d,
           event_date > month_end(45, 8) AND event_date <= month_end(45, 2) AS in_6_months_2_back_after_45d
    FROM si_monthly
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > month_end(45, 12)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_supply_chain AS
SELECT uscc,
       CASE WHEN count(CASE WHEN in_24m THEN 1 END) > 0 THEN count(CASE WHEN in_24m AND role_listed AND status_is THEN 1 END) END AS late_notes_24m,
       CASE WHEN count(CASE WHEN in_12m THEN 1 END) > 0 THEN count(CASE WHEN in_12m AND role_is AND status_is THEN 1 END) END AS receivables_late_12m,
       CASE WHEN count(CASE WHEN in_12m THEN 1 END) > 0 THEN coalesce(bit_count(bit_or(CASE WHEN in_12m AND role_is_2 AND kind_is AND status_is THEN month_bit END)), 0) END AS months_with_facts_in_12m_chosen
FROM (
    SELECT uscc,
           month_bit(event_date) AS month_bit,
           event_date > ago(24, 0) AS in_24m,
           role IN ('承兑人', '核心企业') AS role_listed,
           status = '逾期' AS status_is,
           event_date > ago(12, 0) AS in_12m,
           role = '供应商' AS role_is,
           role = '承兑人' AS role_is_2,
           kind = '商业承兑汇票' AS kind_is
    FROM supply_chain
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(24, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_tax_filing AS
SELECT uscc,
       arg_max_null(fs_net_profit, fact_rank) FILTER (WHERE in_24m AND fs_net_profit IS NOT NULL AND month_is_12) AS latest_fs_net_profit_in_24m_chosen,
       (CASE WHEN count(CASE WHEN in_12_months_after_30d THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months_after_30d THEN declared_sales END) END)::DOUBLE AS sales_12m,
       arg_max_null(fs_receivables, fact_rank) FILTER (WHERE fs_receivables IS NOT NULL) AS latest_fs_receivables_chosen,
       arg_max_null(fs_inventory, fact_rank) FILTER (WHERE fs_inventory IS NOT NULL) AS latest_fs_inventory_chosen,
       (CASE WHEN count(CASE WHEN in_12_months_3_back_after_40d THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months_3_back_after_40d THEN declared_sales END) END)::DOUBLE AS total_declared_sales_in_12_months_3_back_after_40d,
       (CASE WHEN count(CASE WHEN in_3_months_after_40d THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_3_months_after_40d THEN declared_sales END) END)::DOUBLE AS total_declared_sales_in_3_months_after_40d,
       (CASE WHEN count(CASE WHEN in_3_months_after_30d THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_3_months_after_30d THEN declared_sales END) END)::DOUBLE AS sales_3m,
       arg_max_null(declared_sales, fact_rank) FILTER (WHERE in_1_months_after_30d) AS latest_declared_sales_in_1_months_after_30d,
       arg_max_null(declared_sales, fact_rank) FILTER (WHERE in_1_months_12_back_after_30d) AS latest_declared_sales_in_1_months_12_back_after_30d,
       (count(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN 1 END) * sum(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN month_x::DECIMAL(9,0) * declared_sales::DECIMAL(28,2) END)::DOUBLE - sum(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN month_x END)::DOUBLE * sum(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN declared_sales END)::DOUBLE) / nullif(count(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN 1 END) * sum(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN month_x * month_x END)::DOUBLE - sum(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN month_x END)::DOUBLE * sum(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN month_x END)::DOUBLE, 0) AS sales_trend_12m,
       sqrt(CASE WHEN (sum(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN declared_sales::DECIMAL(19,2) * declared_sales END)::DOUBLE - sum(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN declared_sales END)::DOUBLE * sum(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN declared_sales END)::DOUBLE / nullif(count(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN 1 END)::DOUBLE, 0)) / nullif(count(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN 1 END)::DOUBLE - 1, 0) < sum(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN declared_sales::DECIMAL(19,2) * declared_sales END)::DOUBLE * 1e-12 AND count(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN 1 END)::DOUBLE > 1 THEN 0.0 ELSE (sum(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN declared_sales::DECIMAL(19,2) * declared_sales END)::DOUBLE - sum(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN declared_sales END)::DOUBLE * sum(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN declared_sales END)::DOUBLE / nullif(count(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN 1 END)::DOUBLE, 0)) / nullif(count(CASE WHEN in_12_months_after_30d AND declared_sales IS NOT NULL THEN 1 END)::DOUBLE - 1, 0) END) AS sales_volatility_12m,
       (CASE WHEN count(CASE WHEN in_12_months_12_back_after_30d THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months_12_back_after_30d THEN declared_sales END) END)::DOUBLE AS total_declared_sales_in_12_months_12_back_after_30d,
       (CASE WHEN count(CASE WHEN in_6_months_after_30d AND month_not_01 AND month_not_02 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_6_months_after_30d AND month_not_01 AND month_not_02 THEN declared_sales END) END)::DOUBLE AS total_declared_sales_in_6_months_after_30d_chosen,
       (CASE WHEN count(CASE WHEN in_6_months_12_back_after_30d AND month_not_01 AND month_not_02 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_6_months_12_back_after_30d AND month_not_01 AND month_not_02 THEN declared_sales END) END)::DOUBLE AS total_declared_sales_in_6_months_12_back_after_30d_chosen,
       count(CASE WHEN in_12_months AND is_late THEN 1 END) AS late_returns_12m,
       coalesce(bit_count(bit_or(CASE WHEN in_12_months_after_30d THEN month_bit END)), 0) AS months_filed_12m,
       count(CASE WHEN in_24_months AND is_corrected THEN 1 END) AS corrected_returns_24m,
       (CASE WHEN count(CASE WHEN in_12_months_after_30d THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months_after_30d THEN export_sales END) END)::DOUBLE AS total_export_sales_in_12_months_after_30d,
       count(CASE WHEN in_24_months AND fs_net_profit_under THEN 1 END) AS loss_statements_24m,
       arg_max_null(fs_operating_cash, fact_rank) FILTER (WHERE in_24m AND fs_operating_cash IS NOT NULL AND month_is_12) AS operating_cash_12m,
       arg_max_null(fs_operating_cash, fact_rank) FILTER (WHERE in_12_months_after_30d AND month_is_12 AND fs_operating_cash IS NOT NULL) AS operating_cash_last_year
FROM (
    SELECT uscc,
           declared_sales,
           export_sales,
           fact_rank,
           fs_inventory,
           fs_net_profit,
           fs_operating_cash,
           fs_receivables,
           is_corrected,
           is_late,
           month_bit(event_date) AS month_bit,
           month_no(event_date) - month_no(as_of()) AS month_x,
           event_date > ago(24, 0) AS in_24m,
           month = '12' AS month_is_12,
           event_date > month_end(30, 12) AND event_date <= month_end(30, 0) AS in_12_months_after_30d,
           event_date > month_end(40, 15) AND event_date <= month_end(40, 3) AS in_12_months_3_back_after_40d,
           event_date > month_end(40, 3) AND event_date <= month_end(40, 0) AS in_3_months_after_40d,
           event_date > month_end(30, 3) AND event_date <= month_end(30, 0) AS in_3_months_after_30d,
           event_date > month_end(30, 1) AND event_date <= month_end(30, 0) AS in_1_months_after_30d,
           event_date > month_end(30, 13) AND event_date <= month_end(30, 12) AS in_1_months_12_back_after_30d,
           event_date > month_end(30, 24) AND event_date <= month_end(30, 12) AS in_12_months_12_back_after_30d,
           event_date > month_end(30, 6) AND event_date <= month_end(30, 0) AS in_6_months_after_30d,
           month <> '01' AS month_not_01,
           month <> '02' AS month_not_02,
           event_date > month_end(30, 18) AND event_date <= month_end(30, 12) AS in_6_months_12_back_after_30d,
           event_date > month_end(0, 12) AND event_date <= month_end(0, 0) AS in_12_months,
           event_date > month_end(0, 24) AND event_date <= month_end(0, 0) AS in_24_months,
           fs_net_profit < 0 AS fs_net_profit_under
    FROM tax_filing
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_tax_paid AS
SELECT uscc,
       (CASE WHEN count(CASE WHEN in_12_months THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months THEN late_fee END) END)::DOUBLE AS late_payment_surcharges_12m,
       coalesce(bit_count(bit_or(CASE WHEN in_12_months AND arrears_bal_over THEN month_bit END)), 0) AS months_with_arrears_12m,
       max(CASE WHEN arrears_bal_over THEN event_date END) AS days_since_facts_chosen,
       coalesce(bit_count(bit_or(CASE WHEN in_2_months_after_15d AND arrears_bal_over THEN month_bit END)), 0) AS months_with_facts_in_2_months_after_15d_chosen,
       coalesce(bit_count(bit_or(CASE WHEN in_3_months_after_15d AND arrears_bal_over THEN month_bit END)), 0) AS months_with_facts_in_3_months_after_15d_chosen,
       coalesce(bit_count(bit_or(CASE WHEN in_6_months_after_15d AND arrears_bal_over THEN month_bit END)), 0) AS months_with_facts_in_6_months_after_15d_chosen,
       arg_max_null(arrears_bal, fact_rank) FILTER (WHERE tax_kind_is) AS latest_arrears_bal_chosen,
       arg_max_null(arrears_bal, fact_rank) FILTER (WHERE tax_kind_is_2) AS latest_arrears_bal_chosen_2,
       arg_max_null(arrears_bal, fact_rank) FILTER (WHERE tax_kind_is_3) AS latest_arrears_bal_chosen_3,
       arg_max_null(arrears_bal, fact_rank) FILTER (WHERE tax_kind_is_4) AS latest_arrears_bal_chosen_4,
       arg_max_null(arrears_bal, fact_rank) FILTER (WHERE tax_kind_is_5) AS latest_arrears_bal_chosen_5,
       max(CASE WHEN in_3_months_after_30d THEN late_fee END)::DOUBLE AS largest_late_fee_in_3_months_after_30d
FROM (
    SELECT uscc,
           arrears_bal,
           event_date,
           fact_rank,
           late_fee,
           month_bit(event_date) AS month_bit,
           event_date > month_end(0, 12) AND event_date <= month_end(0, 0) AS in_12_months,
           arrears_bal > 0 AS arrears_bal_over,
           event_date > month_end(15, 2) AND event_date <= month_end(15, 0) AS in_2_months_after_15d,
           event_date > month_end(15, 3) AND event_date <= month_end(15, 0) AS in_3_months_after_15d,
           event_date > month_end(15, 6) AND event_date <= month_end(15, 0) AS in_6_months_after_15d,
           tax_kind = '增值税' AS tax_kind_is,
           tax_kind = '企业所得税' AS tax_kind_is_2,
           tax_kind = '个人所得税' AS tax_kind_is_3,
           tax_kind = '附加税费' AS tax_kind_is_4,
           tax_kind = '其他' AS tax_kind_is_5,
           event_date > month_end(30, 3) AND event_date <= month_end(30, 0) AS in_3_months_after_30d
    FROM tax_paid
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_tax_violation AS
SELECT uscc,
       count(CASE WHEN in_36m THEN 1 END) AS tax_violations_36m
FROM (
    SELECT uscc,
           event_date > ago(36, 0) AS in_36m
    FROM tax_violation
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(36, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_tech_list AS
SELECT uscc,
       count(CASE WHEN in_48m AND valid_to_not_before_as_of AND status_is AND list_type_is THEN 1 END) AS count_facts_in_48m_chosen,
       count(CASE WHEN in_24m AND valid_to_not_before_as_of AND status_is AND list_type_is_2 THEN 1 END) AS count_facts_in_24m_chosen,
       count(CASE WHEN in_24m AND status_is_2 THEN 1 END) AS cancelled_titles_24m
FROM (
    SELECT uscc,
           event_date > ago(48, 0) AS in_48m,
           valid_to >= as_of() AS valid_to_not_before_as_of,
           status = '有效' AS status_is,
           list_type = '高新技术企业' AS list_type_is,
           event_date > ago(24, 0) AS in_24m,
           list_type = '科技型中小企业' AS list_type_is_2,
           status = '已取消' AS status_is_2
    FROM tech_list
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > ago(48, 0)
)
GROUP BY uscc;

CREATE OR REPLACE TEMP TABLE of_utility AS
SELECT uscc,
       (CASE WHEN count(CASE WHEN in_12_months_after_40d THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_12_months_after_40d AND kind_is THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months_after_40d AND kind_is THEN kwh::DECIMAL(28,6) END) END)::DOUBLE AS power_12m,
       (CASE WHEN count(CASE WHEN in_12_months_12_back_after_40d THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_12_months_12_back_after_40d AND kind_is THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months_12_back_after_40d AND kind_is THEN kwh::DECIMAL(28,6) END) END)::DOUBLE AS total_kwh_in_12_months_12_back_after_40d_chosen,
       (CASE WHEN count(CASE WHEN in_6_months_after_40d THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_6_months_after_40d AND kind_is AND month_not_01 AND month_not_02 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_6_months_after_40d AND kind_is AND month_not_01 AND month_not_02 THEN kwh::DECIMAL(28,6) END) END)::DOUBLE AS total_kwh_in_6_months_after_40d_chosen,
       (CASE WHEN count(CASE WHEN in_6_months_12_back_after_40d THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_6_months_12_back_after_40d AND kind_is AND month_not_01 AND month_not_02 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_6_months_12_back_after_40d AND kind_is AND month_not_01 AND month_not_02 THEN kwh::DECIMAL(28,6) END) END)::DOUBLE AS total_kwh_in_6_months_12_back_after_40d_chosen,
       (CASE WHEN count(CASE WHEN in_3_months_after_40d THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_3_months_after_40d AND kind_is THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_3_months_after_40d AND kind_is THEN kwh::DECIMAL(28,6) END) END)::DOUBLE AS total_kwh_in_3_months_after_40d_chosen,
       max(CASE WHEN in_3_months THEN arrears_days END)::DOUBLE AS utility_arrears_days,
       CASE WHEN count(CASE WHEN in_12_months THEN 1 END) > 0 THEN coalesce(bit_count(bit_or(CASE WHEN in_12_months AND is_cut_off THEN month_bit END)), 0) END AS months_cut_off_12m,
       CASE WHEN count(CASE WHEN in_12_months THEN 1 END) > 0 THEN coalesce(bit_count(bit_or(CASE WHEN in_12_months AND kind_is THEN month_bit END)), 0) END AS power_reports_12m,
       (CASE WHEN count(CASE WHEN in_2_months_after_40d THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_2_months_after_40d AND kind_is AND month_not_01 AND month_not_02 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_2_months_after_40d AND kind_is AND month_not_01 AND month_not_02 THEN kwh::DECIMAL(28,6) END) END)::DOUBLE AS total_kwh_in_2_months_after_40d_chosen,
       CASE WHEN count(CASE WHEN in_2_months_after_40d THEN 1 END) > 0 THEN count(CASE WHEN in_2_months_after_40d AND kind_is AND month_is_01 THEN 1 END) END AS count_facts_in_2_months_after_40d_chosen,
       CASE WHEN count(CASE WHEN in_2_months_12_back_after_40d THEN 1 END) > 0 THEN count(CASE WHEN in_2_months_12_back_after_40d AND kind_is AND month_is_01 THEN 1 END) END AS count_facts_in_2_months_12_back_after_40d_chosen,
       CASE WHEN count(CASE WHEN in_2_months_after_40d THEN 1 END) > 0 THEN count(CASE WHEN in_2_months_after_40d AND kind_is AND month_is_02 THEN 1 END) END AS count_facts_in_2_months_after_40d_chosen_2,
       CASE WHEN count(CASE WHEN in_2_months_12_back_after_40d THEN 1 END) > 0 THEN count(CASE WHEN in_2_months_12_back_after_40d AND kind_is AND month_is_02 THEN 1 END) END AS count_facts_in_2_months_12_back_after_40d_chosen_2,
       (CASE WHEN count(CASE WHEN in_2_months_after_40d THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_2_months_after_40d AND kind_is AND month_listed THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_2_months_after_40d AND kind_is AND month_listed THEN kwh::DECIMAL(28,6) END) END)::DOUBLE AS total_kwh_in_2_months_after_40d_chosen_2,
       CASE WHEN count(CASE WHEN in_2_months_after_40d THEN 1 END) > 0 THEN coalesce(bit_count(bit_or(CASE WHEN in_2_months_after_40d AND kind_is AND month_not_01 AND month_not_02 THEN month_bit END)), 0) END AS months_with_facts_in_2_months_after_40d_chosen,
       CASE WHEN count(CASE WHEN in_2_months_after_40d THEN 1 END) > 0 THEN coalesce(bit_count(bit_or(CASE WHEN in_2_months_after_40d AND kind_is AND month_listed THEN month_bit END)), 0) END AS months_with_facts_in_2_months_after_40d_chosen_2,
       (CASE WHEN count(CASE WHEN in_2_months_12_back_after_40d THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_2_months_12_back_after_40d AND kind_is AND month_not_01 AND month_not_02 THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_2_months_12_back_after_40d AND kind_is AND month_not_01 AND month_not_02 THEN kwh::DECIMAL(28,6) END) END)::DOUBLE AS total_kwh_in_2_months_12_back_after_40d_chosen,
       (CASE WHEN count(CASE WHEN in_2_months_12_back_after_40d THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_2_months_12_back_after_40d AND kind_is AND month_listed THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_2_months_12_back_after_40d AND kind_is AND month_listed THEN kwh::DECIMAL(28,6) END) END)::DOUBLE AS total_kwh_in_2_months_12_back_after_40d_chosen_2,
       CASE WHEN count(CASE WHEN in_2_months_12_back_after_40d THEN 1 END) > 0 THEN coalesce(bit_count(bit_or(CASE WHEN in_2_months_12_back_after_40d AND kind_is AND month_not_01 AND month_not_02 THEN month_bit END)), 0) END AS months_with_facts_in_2_months_12_back_after_40d_chosen,
       CASE WHEN count(CASE WHEN in_2_months_12_back_after_40d THEN 1 END) > 0 THEN coalesce(bit_count(bit_or(CASE WHEN in_2_months_12_back_after_40d AND kind_is AND month_listed THEN month_bit END)), 0) END AS months_with_facts_in_2_months_12_back_after_40d_chosen_2,
       CASE WHEN count(CASE WHEN in_12_months_3_back_after_40d THEN 1 END) > 0 THEN coalesce(bit_count(bit_or(CASE WHEN in_12_months_3_back_after_40d AND kind_is THEN month_bit END)), 0) END AS months_with_facts_in_12_months_3_back_after_40d_chosen,
       (CASE WHEN count(CASE WHEN in_12_months_3_back_after_40d THEN 1 END) = 0 THEN NULL WHEN count(CASE WHEN in_12_months_3_back_after_40d AND kind_is THEN 1 END) = 0 THEN 0 ELSE sum(CASE WHEN in_12_months_3_back_after_40d AND kind_is THEN kwh::DECIMAL(28,6) END) END)::DOUBLE AS total_kwh_in_12_months_3_back_after_40d_chosen,
       CASE WHEN count(CASE WHEN in_3_months_after_40d THEN 1 END) > 0 THEN coalesce(bit_count(bit_or(CASE WHEN in_3_months_after_40d AND kind_is THEN month_bit END)), 0) END AS months_with_facts_in_3_months_after_40d_chosen
FROM (
    SELECT uscc,
           arrears_days,
           is_cut_off,
           kwh,
           month_bit(event_date) AS month_bit,
           event_date > month_end(40, 12) AND event_date <= month_end(40, 0) AS in_12_months_after_40d,
           kind = '电' AS kind_is,
           event_date > month_end(40, 24) AND event_date <= month_end(40, 12) AS in_12_months_12_back_after_40d,
           event_date > month_end(40, 6) AND event_date <= month_end(40, 0) AS in_6_months_after_40d,
           month <> '01' AS month_not_01,
           month <> '02' AS month_not_02,
           event_date > month_end(40, 18) AND event_date <= month_end(40, 12) AS in_6_months_12_back_after_40d,
           event_date > month_end(40, 3) AND event_date <= month_end(40, 0) AS in_3_months_after_40d,
           event_date > month_end(0, 3) AND event_date <= month_end(0, 0) AS in_3_months,
           event_date > month_end(0, 12) AND event_date <= month_end(0, 0) AS in_12_months,
           event_date > month_end(40, 2) AND event_date <= month_end(40, 0) AS in_2_months_after_40d,
           month = '01' AS month_is_01,
           event_date > month_end(40, 14) AND event_date <= month_end(40, 12) AS in_2_months_12_back_after_40d,
           month = '02' AS month_is_02,
           month IN ('01', '02') AS month_listed,
           event_date > month_end(40, 15) AND event_date <= month_end(40, 3) AS in_12_months_3_back_after_40d
    FROM utility
    WHERE visible(event_date, known_at, superseded_at, removed) AND uscc IS NOT NULL AND event_date > month_end(40, 24)
)
GROUP BY uscc;

-- the profile
SELECT r.uscc,
       (((CASE WHEN of_tech_list.uscc IS NULL THEN 0 ELSE of_tech_list.count_facts_in_48m_chosen END)::DOUBLE + (CASE WHEN of_tech_list.uscc IS NULL THEN 0 ELSE of_tech_list.count_facts_in_24m_chosen END)::DOUBLE))::DOUBLE AS fresh_technology_titles,
       (coalesce((of_env_safety.count_facts_in_36m_chosen)::DOUBLE, 0))::DOUBLE AS found_grave_accidents_36m,
       (coalesce(((of_env_safety.count_facts_in_36m_chosen_2)::DOUBLE + (of_env_safety.count_facts_in_36m_chosen_3)::DOUBLE), 0))::DOUBLE AS found_safety_orders_36m,
       (((of_pboc_ent.latest_overdue_principal_in_7m)::DOUBLE + coalesce((of_pboc_ent.latest_overdue_interest_in_7m)::DOUBLE, 0)))::DOUBLE AS credit_overdue_now,
       (((((of_pboc_ent.latest_watch_balance)::DOUBLE + (of_pboc_ent.latest_bad_balance)::DOUBLE) + coalesce(((of_pboc_guar.total_watch_balance_in_6m)::DOUBLE / nullif((of_pboc_guar.distinct_report_dt_in_6m)::DOUBLE, 0)), ((of_pboc_ent.count_facts_in_6m)::DOUBLE * 0))) + coalesce(((of_pboc_guar.total_bad_balance_in_6m)::DOUBLE / nullif((of_pboc_guar.distinct_report_dt_in_6m)::DOUBLE, 0)), ((of_pboc_ent.count_facts_in_6m)::DOUBLE * 0))))::DOUBLE AS credit_not_normal,
       ((of_pboc_ent.credit_overdue_90d_24m)::DOUBLE)::DOUBLE AS credit_overdue_90d_24m,
       ((of_pboc_person.persons_account_overdue_2y)::DOUBLE)::DOUBLE AS persons_account_overdue_2y,
       ((of_pboc_person.persons_overdue_90d)::DOUBLE)::DOUBLE AS persons_overdue_90d,
       (((of_tax_filing.latest_fs_net_profit_in_24m_chosen)::DOUBLE / nullif((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_12m END)::DOUBLE, 0)))::DOUBLE AS net_margin,
       ((of_agri.agri_production_cost)::DOUBLE)::DOUBLE AS agri_production_cost,
       ((CASE WHEN of_adm_penalty.uscc IS NULL THEN 0 ELSE of_adm_penalty.penalties_36m END)::DOUBLE)::DOUBLE AS penalties_36m,
       ((CASE WHEN of_adm_penalty.uscc IS NULL THEN 0 ELSE of_adm_penalty.penalties_12m END)::DOUBLE)::DOUBLE AS penalties_12m,
       ((CASE WHEN of_adm_penalty.uscc IS NULL THEN 0 ELSE of_adm_penalty.fines_36m END)::DOUBLE)::DOUBLE AS fines_36m,
       ((CASE WHEN of_adm_penalty.uscc IS NULL THEN 0 ELSE of_adm_penalty.closures_36m END)::DOUBLE)::DOUBLE AS closures_36m,
       ((of_env_safety.environment_bad_ratings_36m)::DOUBLE)::DOUBLE AS environment_bad_ratings_36m,
       ((of_env_safety.accidents_36m)::DOUBLE)::DOUBLE AS accidents_36m,
       (coalesce((of_adm_penalty.largest_amount_in_12m)::DOUBLE, 0))::DOUBLE AS largest_fine_12m,
       ((CASE WHEN of_adm_penalty.uscc IS NULL THEN 0 ELSE of_adm_penalty.closures_12m END)::DOUBLE)::DOUBLE AS closures_12m,
       (coalesce((of_env_safety.count_facts_in_12m_chosen)::DOUBLE, 0))::DOUBLE AS accidents_12m,
       (abs(((((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_blue_amt_in_12_months_after_30d_chosen END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_red_amt_in_12_months_after_30d_chosen END)::DOUBLE) - (CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_12m END)::DOUBLE) / nullif((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_12m END)::DOUBLE, 0))))::DOUBLE AS sales_invoice_gap,
       ((of_supply_chain.late_notes_24m)::DOUBLE)::DOUBLE AS late_notes_24m,
       ((of_supply_chain.receivables_late_12m)::DOUBLE)::DOUBLE AS receivables_late_12m,
       (coalesce((of_supply_chain.months_with_facts_in_12m_chosen)::DOUBLE, 0))::DOUBLE AS notes_late_months_12m,
       ((CASE WHEN of_court_exec.uscc IS NULL THEN 0 ELSE of_court_exec.enforcements_6m END)::DOUBLE)::DOUBLE AS enforcements_6m,
       ((of_court_case.defendant_cases_24m)::DOUBLE)::DOUBLE AS defendant_cases_24m,
       ((of_court_case.defendant_amount_24m)::DOUBLE)::DOUBLE AS defendant_amount_24m,
       ((of_court_case.plaintiff_cases_24m)::DOUBLE)::DOUBLE AS plaintiff_cases_24m,
       ((of_court_case.plaintiff_amount_24m)::DOUBLE)::DOUBLE AS plaintiff_amount_24m,
       ((of_court_case.lending_defendant_24m)::DOUBLE)::DOUBLE AS lending_defendant_24m,
       ((of_court_case.lending_defendant_amount_24m)::DOUBLE)::DOUBLE AS lending_defendant_amount_24m,
       ((of_court_case.labour_defendant_12m)::DOUBLE)::DOUBLE AS labour_defendant_12m,
       ((of_court_case.lost_cases_24m)::DOUBLE)::DOUBLE AS lost_cases_24m,
       ((CASE WHEN of_court_freeze.uscc IS NULL THEN 0 ELSE of_court_freeze.judicial_auctions_24m END)::DOUBLE)::DOUBLE AS judicial_auctions_24m,
       ((coalesce((of_court_case.lending_defendant_24m)::DOUBLE, 0) - coalesce((of_court_case.count_facts_in_24m_chosen_5)::DOUBLE, 0)))::DOUBLE AS lending_suits_found,
       ((coalesce((of_court_case.lending_defendant_amount_24m)::DOUBLE, 0) - coalesce((of_court_case.total_amount_in_24m_chosen_4)::DOUBLE, 0)))::DOUBLE AS lending_claims_found,
       (coalesce((of_court_case.count_facts_in_6m_chosen)::DOUBLE, 0))::DOUBLE AS other_suits_found,
       (((coalesce((of_court_case.total_amount_in_6m_chosen)::DOUBLE, 0) - coalesce((of_court_case.total_amount_in_6m_chosen_2)::DOUBLE, 0)) / nullif(CASE WHEN (CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_12m END)::DOUBLE IS NULL THEN NULL ELSE greatest((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_12m END)::DOUBLE, 10000) END, 0)))::DOUBLE AS other_claims_to_sales,
       ((of_bank_feedback.worst_overdue_12m)::DOUBLE)::DOUBLE AS worst_overdue_12m,
       ((of_bank_feedback.line_cuts_12m)::DOUBLE)::DOUBLE AS line_cuts_12m,
       ((of_bank_feedback.line_frozen)::DOUBLE)::DOUBLE AS line_frozen,
       ((of_bank_feedback.special_trades_24m)::DOUBLE)::DOUBLE AS special_trades_24m,
       (coalesce(((of_pboc_guar.total_balance_in_6m)::DOUBLE / nullif((of_pboc_guar.distinct_report_dt_in_6m)::DOUBLE, 0)), ((of_pboc_ent.count_facts_in_6m)::DOUBLE * 0)))::DOUBLE AS guaranteed_for_others,
       (coalesce(((of_pboc_guar.total_watch_balance_in_6m)::DOUBLE / nullif((of_pboc_guar.distinct_report_dt_in_6m)::DOUBLE, 0)), ((of_pboc_ent.count_facts_in_6m)::DOUBLE * 0)))::DOUBLE AS guaranteed_watched,
       (coalesce(((of_pboc_guar.total_bad_balance_in_6m)::DOUBLE / nullif((of_pboc_guar.distinct_report_dt_in_6m)::DOUBLE, 0)), ((of_pboc_ent.count_facts_in_6m)::DOUBLE * 0)))::DOUBLE AS guaranteed_bad,
       ((of_pboc_person.persons_overdue)::DOUBLE)::DOUBLE AS persons_overdue,
       ((of_pboc_person.persons_overdue_times_2y)::DOUBLE)::DOUBLE AS persons_overdue_times_2y,
       ((of_pboc_person.persons_longest_overdue)::DOUBLE)::DOUBLE AS persons_longest_overdue,
       ((of_pboc_person.persons_card_use)::DOUBLE)::DOUBLE AS persons_card_use,
       ((of_pboc_person.persons_queries_3m)::DOUBLE)::DOUBLE AS persons_queries_3m,
       (coalesce((of_pboc_guar.total_watch_balance_in_6m_chosen)::DOUBLE, ((of_pboc_ent.count_facts_in_6m)::DOUBLE * 0)))::DOUBLE AS guaranteed_watched_now,
       (coalesce((of_pboc_guar.total_bad_balance_in_6m_chosen)::DOUBLE, ((of_pboc_ent.count_facts_in_6m)::DOUBLE * 0)))::DOUBLE AS guaranteed_bad_now,
       (coalesce((of_pboc_person.largest_overdue_days_in_6m_chosen)::DOUBLE, ((of_pboc_person.count_facts_in_6m_chosen)::DOUBLE * 0)))::DOUBLE AS heads_overdue_days,
       (coalesce((of_pboc_person.largest_card_use_rate_in_6m_chosen)::DOUBLE, ((of_pboc_person.count_facts_in_6m_chosen)::DOUBLE * 0)))::DOUBLE AS heads_card_use,
       ((of_pboc_person.heads_minimum_cards)::DOUBLE)::DOUBLE AS heads_minimum_cards,
       (coalesce((of_movable_pledge.count_facts_in_3m)::DOUBLE, 0))::DOUBLE AS pledges_registered_3m,
       ((CASE WHEN of_contract.uscc IS NULL THEN 0 ELSE of_contract.renewals_36m END)::DOUBLE)::DOUBLE AS renewals_36m,
       ((CASE WHEN of_overdue.uscc IS NULL THEN 0 ELSE of_overdue.overdues_24m END)::DOUBLE)::DOUBLE AS overdues_24m,
       (((CASE WHEN of_risk_task.uscc IS NULL THEN 0 ELSE of_risk_task.count_facts_in_12m END)::DOUBLE - (CASE WHEN of_risk_task.uscc IS NULL THEN 0 ELSE of_risk_task.count_facts_in_12m_chosen END)::DOUBLE))::DOUBLE AS risk_tasks_12m,
       ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.invoiced_12m END)::DOUBLE)::DOUBLE AS invoiced_12m,
       ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.invoiced_3m END)::DOUBLE)::DOUBLE AS invoiced_3m,
       ((((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.invoiced_12m END)::DOUBLE / nullif(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_blue_amt_in_12_months_12_back_after_10d_chosen END)::DOUBLE / nullif(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_blue_amt_in_12_months_12_back_after_10d_chosen END)::DOUBLE >= 600000)::TINYINT::DOUBLE, 0)), 0)) - 1))::DOUBLE AS invoiced_yoy_12m,
       ((((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_blue_amt_in_6_months_after_10d_chosen END)::DOUBLE / nullif(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_blue_amt_in_6_months_12_back_after_10d_chosen END)::DOUBLE / nullif(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_blue_amt_in_6_months_12_back_after_10d_chosen END)::DOUBLE >= 200000)::TINYINT::DOUBLE, 0)), 0)) - 1))::DOUBLE AS invoiced_yoy_6m,
       (((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.invoiced_3m END)::DOUBLE / nullif((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.invoiced_12m END)::DOUBLE, 0)))::DOUBLE AS invoiced_recent_share,
       (((of_inv_monthly.trend_blue_amt_in_12_months_after_10d_chosen)::DOUBLE / nullif((of_inv_monthly.mean_blue_amt_in_12_months_after_10d_chosen)::DOUBLE, 0)))::DOUBLE AS invoiced_trend_12m,
       (((of_inv_monthly.volatility_blue_amt_in_12_months_after_10d_chosen)::DOUBLE / nullif((of_inv_monthly.mean_blue_amt_in_12_months_after_10d_chosen)::DOUBLE, 0)))::DOUBLE AS invoiced_variation_12m,
       ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.months_invoiced_12m END)::DOUBLE)::DOUBLE AS months_invoiced_12m,
       (abs(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_red_amt_in_12_months_after_10d_chosen END)::DOUBLE / nullif((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.invoiced_12m END)::DOUBLE, 0))))::DOUBLE AS red_share_12m,
       ((of_inv_monthly.customers_mean_6m)::DOUBLE)::DOUBLE AS customers_mean_6m,
       ((((of_inv_monthly.customers_mean_6m)::DOUBLE / nullif((of_inv_monthly.mean_cp_cnt_in_6_months_6_back_after_10d_chosen)::DOUBLE, 0)) - 1))::DOUBLE AS customers_change_6m,
       ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.purchases_12m END)::DOUBLE)::DOUBLE AS purchases_12m,
       ((((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.purchases_12m END)::DOUBLE / nullif(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_blue_amt_in_12_months_12_back_after_10d_chosen_2 END)::DOUBLE / nullif(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_blue_amt_in_12_months_12_back_after_10d_chosen_2 END)::DOUBLE >= 600000)::TINYINT::DOUBLE, 0)), 0)) - 1))::DOUBLE AS purchases_yoy_12m,
       (((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.purchases_12m END)::DOUBLE / nullif((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.invoiced_12m END)::DOUBLE, 0)))::DOUBLE AS purchases_to_sales_12m,
       ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.invoice_reports_12m END)::DOUBLE)::DOUBLE AS invoice_reports_12m,
       (((((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_blue_amt_in_3_months_after_10d_chosen_2 END)::DOUBLE + ((CASE WHEN ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen END)::DOUBLE) IS NULL THEN NULL ELSE least(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen END)::DOUBLE), 1) END * CASE WHEN ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen_2 END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen_2 END)::DOUBLE) IS NULL THEN NULL ELSE least(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen_2 END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen_2 END)::DOUBLE), 1) END) * (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_blue_amt_in_3_months_after_10d_chosen_3 END)::DOUBLE)) / nullif((((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_blue_amt_in_3_months_12_back_after_10d_chosen END)::DOUBLE + ((CASE WHEN ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen END)::DOUBLE) IS NULL THEN NULL ELSE least(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen END)::DOUBLE), 1) END * CASE WHEN ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen_2 END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen_2 END)::DOUBLE) IS NULL THEN NULL ELSE least(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen_2 END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen_2 END)::DOUBLE), 1) END) * (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_blue_amt_in_3_months_12_back_after_10d_chosen_2 END)::DOUBLE)) / nullif((((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_blue_amt_in_3_months_12_back_after_10d_chosen END)::DOUBLE + ((CASE WHEN ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen END)::DOUBLE) IS NULL THEN NULL ELSE least(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen END)::DOUBLE), 1) END * CASE WHEN ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen_2 END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen_2 END)::DOUBLE) IS NULL THEN NULL ELSE least(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen_2 END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen_2 END)::DOUBLE), 1) END) * (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.total_blue_amt_in_3_months_12_back_after_10d_chosen_2 END)::DOUBLE)) > ((3 - (CASE WHEN (((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen END)::DOUBLE) + ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen_2 END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen_2 END)::DOUBLE)) IS NULL THEN NULL ELSE least((((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen END)::DOUBLE) + ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen_2 END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen_2 END)::DOUBLE)), 1) END - (CASE WHEN ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen END)::DOUBLE) IS NULL THEN NULL ELSE least(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen END)::DOUBLE), 1) END * CASE WHEN ((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen_2 END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen_2 END)::DOUBLE) IS NULL THEN NULL ELSE least(((CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_after_10d_chosen_2 END)::DOUBLE + (CASE WHEN of_inv_monthly.uscc IS NULL THEN 0 ELSE of_inv_monthly.count_facts_in_3_months_12_back_after_10d_chosen_2 END)::DOUBLE), 1) END))) * 50000))::TINYINT::DOUBLE, 0)), 0)) - 1))::DOUBLE AS invoiced_yoy_3m,
       ((of_bidding.bids_12m)::DOUBLE)::DOUBLE AS bids_12m,
       ((of_bidding.awards_12m)::DOUBLE)::DOUBLE AS awards_12m,
       ((of_bidding.award_amount_12m)::DOUBLE)::DOUBLE AS award_amount_12m,
       (((of_bidding.distinct_project_in_24m_chosen)::DOUBLE / nullif((of_bidding.distinct_project_in_24m_chosen_2)::DOUBLE, 0)))::DOUBLE AS award_share_24m,
       ((of_bidding.largest_award_24m)::DOUBLE)::DOUBLE AS largest_award_24m,
       ((of_sentiment.bad_news_3m)::DOUBLE)::DOUBLE AS bad_news_3m,
       ((of_sentiment.bad_news_12m)::DOUBLE)::DOUBLE AS bad_news_12m,
       ((of_sentiment.mean_polarity_12m)::DOUBLE)::DOUBLE AS mean_polarity_12m,
       ((of_movable_pledge.movable_pledges_12m)::DOUBLE)::DOUBLE AS movable_pledges_12m,
       ((of_movable_pledge.receivables_pledged_12m)::DOUBLE)::DOUBLE AS receivables_pledged_12m,
       (coalesce((of_sentiment.distinct_source_in_7d_chosen)::DOUBLE, 0))::DOUBLE AS bad_news_media_7d,
       (coalesce((of_sentiment.count_facts_in_7d_chosen)::DOUBLE, 0))::DOUBLE AS bad_news_official_7d,
       (((coalesce((of_bidding.award_amount_12m)::DOUBLE, 0) - (of_bidding.total_amt_in_12m_12m_back_chosen)::DOUBLE) / nullif(((of_bidding.total_amt_in_12m_12m_back_chosen)::DOUBLE / nullif(((of_bidding.total_amt_in_12m_12m_back_chosen)::DOUBLE >= 600000)::TINYINT::DOUBLE, 0)), 0)))::DOUBLE AS awards_yoy,
       (coalesce((coalesce(((of_movable_pledge.total_amt_in_12m_chosen)::DOUBLE - (of_movable_pledge.total_amt_in_12m_chosen_2)::DOUBLE), 0) / nullif(((of_tax_filing.latest_fs_receivables_chosen)::DOUBLE + (of_tax_filing.latest_fs_inventory_chosen)::DOUBLE), 0)), (0 / nullif((coalesce(((of_movable_pledge.total_amt_in_12m_chosen)::DOUBLE - (of_movable_pledge.total_amt_in_12m_chosen_2)::DOUBLE), 0) <= 0)::TINYINT::DOUBLE, 0))))::DOUBLE AS goods_pledged_share,
       ((CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.holder_changes_12m END)::DOUBLE)::DOUBLE AS holder_changes_12m,
       ((CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.control_changes_6m END)::DOUBLE)::DOUBLE AS control_changes_6m,
       ((CASE WHEN of_equity_pledge.uscc IS NULL THEN 0 ELSE of_equity_pledge.equity_pledges_12m END)::DOUBLE)::DOUBLE AS equity_pledges_12m,
       ((CASE WHEN of_tech_list.uscc IS NULL THEN 0 ELSE of_tech_list.cancelled_titles_24m END)::DOUBLE)::DOUBLE AS cancelled_titles_24m,
       ((of_gov_fund.procurement_24m)::DOUBLE)::DOUBLE AS procurement_24m,
       ((of_customs.exports_12m)::DOUBLE)::DOUBLE AS exports_12m,
       ((((of_customs.exports_12m)::DOUBLE / nullif(((of_customs.total_export_amt_in_12_months_12_back_after_50d)::DOUBLE / nullif(((of_customs.total_export_amt_in_12_months_12_back_after_50d)::DOUBLE >= 600000)::TINYINT::DOUBLE, 0)), 0)) - 1))::DOUBLE AS exports_yoy_12m,
       ((of_agri.disasters_12m)::DOUBLE)::DOUBLE AS disasters_12m,
       ((of_agri.agricultural_insurance_12m)::DOUBLE)::DOUBLE AS agricultural_insurance_12m,
       (((CASE WHEN of_court_exec.uscc IS NULL THEN 0 ELSE of_court_exec.total_exec_target END)::DOUBLE / nullif((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_12m END)::DOUBLE, 0)))::DOUBLE AS enforcement_to_sales,
       (((of_court_case.lending_defendant_amount_24m)::DOUBLE / nullif((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_12m END)::DOUBLE, 0)))::DOUBLE AS lending_claims_to_sales,
       (((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_12m END)::DOUBLE / nullif((of_si_monthly.insured_mean_6m)::DOUBLE, 0)))::DOUBLE AS sales_per_insured,
       (((of_utility.power_12m)::DOUBLE / nullif(((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_12m END)::DOUBLE / nullif(10000, 0)), 0)))::DOUBLE AS power_per_sales,
       (((CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.total_after_amt_in_12m_chosen END)::DOUBLE - (CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.total_before_amt_in_12m_chosen END)::DOUBLE))::DOUBLE AS capital_change_12m,
       ((CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.changes_12m END)::DOUBLE)::DOUBLE AS changes_12m,
       ((CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.legal_rep_changes_12m END)::DOUBLE)::DOUBLE AS legal_rep_changes_12m,
       ((CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.address_changes_12m END)::DOUBLE)::DOUBLE AS address_changes_12m,
       ((CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.scope_changes_12m END)::DOUBLE)::DOUBLE AS scope_changes_12m,
       ((CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.name_changes_36m END)::DOUBLE)::DOUBLE AS name_changes_36m,
       ((CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.capital_changes_24m END)::DOUBLE)::DOUBLE AS capital_changes_24m,
       ((CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.people_changes_12m END)::DOUBLE)::DOUBLE AS people_changes_12m,
       (coalesce((((CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.total_after_amt_in_12m_chosen END)::DOUBLE - (CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.total_before_amt_in_12m_chosen END)::DOUBLE) / nullif((of_mkt_change.first_before_amt_in_12m_chosen)::DOUBLE, 0)), (0 / nullif(((CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.count_facts_in_12m_chosen_6 END)::DOUBLE = 0)::TINYINT::DOUBLE, 0))))::DOUBLE AS capital_change_share_12m,
       ((CASE WHEN of_mkt_change.uscc IS NULL THEN 0 ELSE of_mkt_change.industry_changes_12m END)::DOUBLE)::DOUBLE AS industry_changes_12m,
       ((of_si_monthly.insured_mean_6m)::DOUBLE)::DOUBLE AS insured_mean_6m,
       (((of_si_monthly.latest_insured_cnt_in_1_months_after_45d)::DOUBLE - (of_si_monthly.latest_insured_cnt_in_1_months_6_back_after_45d)::DOUBLE))::DOUBLE AS insured_change_6m,
       (((of_si_monthly.trend_insured_cnt_in_12_months_after_45d)::DOUBLE / nullif((of_si_monthly.mean_insured_cnt_in_12_months_after_45d)::DOUBLE, 0)))::DOUBLE AS insured_trend_12m,
       (((CASE WHEN of_si_monthly.uscc IS NULL THEN 0 ELSE of_si_monthly.total_paid_in_6_months_after_45d END)::DOUBLE / nullif((CASE WHEN of_si_monthly.uscc IS NULL THEN 0 ELSE of_si_monthly.total_payable_in_6_months_after_45d END)::DOUBLE, 0)))::DOUBLE AS social_paid_share_6m,
       ((of_jobs.posts_3m)::DOUBLE)::DOUBLE AS posts_3m,
       ((((of_jobs.total_posts_in_12_months_after_30d)::DOUBLE / nullif(((of_jobs.total_posts_in_12_months_12_back_after_30d)::DOUBLE / nullif(((of_jobs.total_posts_in_12_months_12_back_after_30d)::DOUBLE >= 5)::TINYINT::DOUBLE, 0)), 0)) - 1))::DOUBLE AS posts_yoy_12m,
       ((of_utility.power_12m)::DOUBLE)::DOUBLE AS power_12m,
       ((((of_utility.power_12m)::DOUBLE / nullif(((of_utility.total_kwh_in_12_months_12_back_after_40d_chosen)::DOUBLE / nullif(((of_utility.total_kwh_in_12_months_12_back_after_40d_chosen)::DOUBLE >= 1200)::TINYINT::DOUBLE, 0)), 0)) - 1))::DOUBLE AS power_yoy_12m,
       ((((of_utility.total_kwh_in_6_months_after_40d_chosen)::DOUBLE / nullif(((of_utility.total_kwh_in_6_months_12_back_after_40d_chosen)::DOUBLE / nullif(((of_utility.total_kwh_in_6_months_12_back_after_40d_chosen)::DOUBLE >= 400)::TINYINT::DOUBLE, 0)), 0)) - 1))::DOUBLE AS power_yoy_6m,
       (((of_utility.total_kwh_in_3_months_after_40d_chosen)::DOUBLE / nullif((of_utility.power_12m)::DOUBLE, 0)))::DOUBLE AS power_recent_share,
       ((of_utility.utility_arrears_days)::DOUBLE)::DOUBLE AS utility_arrears_days,
       ((of_utility.months_cut_off_12m)::DOUBLE)::DOUBLE AS months_cut_off_12m,
       ((of_utility.power_reports_12m)::DOUBLE)::DOUBLE AS power_reports_12m,
       ((CASE WHEN ((of_si_monthly.latest_insured_cnt_in_1_months_after_45d)::DOUBLE / nullif(((of_si_monthly.insured_most_before)::DOUBLE / nullif(((of_si_monthly.insured_most_before)::DOUBLE > 5)::TINYINT::DOUBLE, 0)), 0)) IS NULL OR ((of_si_monthly.latest_insured_cnt_in_1_months_1_back_after_45d)::DOUBLE / nullif(((of_si_monthly.largest_insured_cnt_in_6_months_2_back_after_45d)::DOUBLE / nullif(((of_si_monthly.largest_insured_cnt_in_6_months_2_back_after_45d)::DOUBLE > 5)::TINYINT::DOUBLE, 0)), 0)) IS NULL THEN NULL ELSE greatest(((of_si_monthly.latest_insured_cnt_in_1_months_after_45d)::DOUBLE / nullif(((of_si_monthly.insured_most_before)::DOUBLE / nullif(((of_si_monthly.insured_most_before)::DOUBLE > 5)::TINYINT::DOUBLE, 0)), 0)), ((of_si_monthly.latest_insured_cnt_in_1_months_1_back_after_45d)::DOUBLE / nullif(((of_si_monthly.largest_insured_cnt_in_6_months_2_back_after_45d)::DOUBLE / nullif(((of_si_monthly.largest_insured_cnt_in_6_months_2_back_after_45d)::DOUBLE > 5)::TINYINT::DOUBLE, 0)), 0))) END - 1))::DOUBLE AS insured_drop_two_months,
       ((of_si_monthly.insured_most_before)::DOUBLE)::DOUBLE AS insured_most_before,
       (coalesce((of_jobs.posts_3m)::DOUBLE, 0))::DOUBLE AS posts_found_3m,
       (coalesce((of_jobs.total_posts_in_3_months_12_back_after_30d)::DOUBLE, 0))::DOUBLE AS posts_found_3m_before,
       ((((((of_utility.total_kwh_in_2_months_after_40d_chosen)::DOUBLE + ((CASE WHEN coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen)::DOUBLE), 0) IS NULL THEN NULL ELSE least(coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen)::DOUBLE), 0), 1) END * CASE WHEN coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen_2)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen_2)::DOUBLE), 0) IS NULL THEN NULL ELSE least(coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen_2)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen_2)::DOUBLE), 0), 1) END) * (of_utility.total_kwh_in_2_months_after_40d_chosen_2)::DOUBLE)) / nullif(((of_utility.months_with_facts_in_2_months_after_40d_chosen)::DOUBLE + ((CASE WHEN coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen)::DOUBLE), 0) IS NULL THEN NULL ELSE least(coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen)::DOUBLE), 0), 1) END * CASE WHEN coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen_2)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen_2)::DOUBLE), 0) IS NULL THEN NULL ELSE least(coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen_2)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen_2)::DOUBLE), 0), 1) END) * (of_utility.months_with_facts_in_2_months_after_40d_chosen_2)::DOUBLE)), 0)) / nullif(((((of_utility.total_kwh_in_2_months_12_back_after_40d_chosen)::DOUBLE + ((CASE WHEN coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen)::DOUBLE), 0) IS NULL THEN NULL ELSE least(coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen)::DOUBLE), 0), 1) END * CASE WHEN coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen_2)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen_2)::DOUBLE), 0) IS NULL THEN NULL ELSE least(coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen_2)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen_2)::DOUBLE), 0), 1) END) * (of_utility.total_kwh_in_2_months_12_back_after_40d_chosen_2)::DOUBLE)) / nullif(((of_utility.months_with_facts_in_2_months_12_back_after_40d_chosen)::DOUBLE + ((CASE WHEN coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen)::DOUBLE), 0) IS NULL THEN NULL ELSE least(coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen)::DOUBLE), 0), 1) END * CASE WHEN coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen_2)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen_2)::DOUBLE), 0) IS NULL THEN NULL ELSE least(coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen_2)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen_2)::DOUBLE), 0), 1) END) * (of_utility.months_with_facts_in_2_months_12_back_after_40d_chosen_2)::DOUBLE)), 0)) / nullif(((((of_utility.total_kwh_in_2_months_12_back_after_40d_chosen)::DOUBLE + ((CASE WHEN coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen)::DOUBLE), 0) IS NULL THEN NULL ELSE least(coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen)::DOUBLE), 0), 1) END * CASE WHEN coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen_2)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen_2)::DOUBLE), 0) IS NULL THEN NULL ELSE least(coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen_2)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen_2)::DOUBLE), 0), 1) END) * (of_utility.total_kwh_in_2_months_12_back_after_40d_chosen_2)::DOUBLE)) / nullif(((of_utility.months_with_facts_in_2_months_12_back_after_40d_chosen)::DOUBLE + ((CASE WHEN coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen)::DOUBLE), 0) IS NULL THEN NULL ELSE least(coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen)::DOUBLE), 0), 1) END * CASE WHEN coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen_2)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen_2)::DOUBLE), 0) IS NULL THEN NULL ELSE least(coalesce(((of_utility.count_facts_in_2_months_after_40d_chosen_2)::DOUBLE + (of_utility.count_facts_in_2_months_12_back_after_40d_chosen_2)::DOUBLE), 0), 1) END) * (of_utility.months_with_facts_in_2_months_12_back_after_40d_chosen_2)::DOUBLE)), 0)) > 100)::TINYINT::DOUBLE, 0)), 0)) - 1))::DOUBLE AS power_yoy_2m,
       ((((((((of_utility.total_kwh_in_3_months_after_40d_chosen)::DOUBLE * 3) * (of_utility.months_with_facts_in_12_months_3_back_after_40d_chosen)::DOUBLE) * (CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.total_declared_sales_in_12_months_3_back_after_40d END)::DOUBLE) / nullif(((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.total_declared_sales_in_12_months_3_back_after_40d END)::DOUBLE > 600000)::TINYINT::DOUBLE, 0)) / nullif(((((of_utility.total_kwh_in_12_months_3_back_after_40d_chosen)::DOUBLE * 12) * (of_utility.months_with_facts_in_3_months_after_40d_chosen)::DOUBLE) * (CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.total_declared_sales_in_3_months_after_40d END)::DOUBLE), 0)) - 1))::DOUBLE AS power_per_sales_change,
       ((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_3m END)::DOUBLE)::DOUBLE AS sales_3m,
       ((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_12m END)::DOUBLE)::DOUBLE AS sales_12m,
       (((of_tax_filing.latest_declared_sales_in_1_months_after_30d)::DOUBLE - (of_tax_filing.latest_declared_sales_in_1_months_12_back_after_30d)::DOUBLE))::DOUBLE AS sales_change_12m,
       ((of_tax_filing.sales_trend_12m)::DOUBLE)::DOUBLE AS sales_trend_12m,
       ((of_tax_filing.sales_volatility_12m)::DOUBLE)::DOUBLE AS sales_volatility_12m,
       ((((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_12m END)::DOUBLE / nullif(((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.total_declared_sales_in_12_months_12_back_after_30d END)::DOUBLE / nullif(((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.total_declared_sales_in_12_months_12_back_after_30d END)::DOUBLE >= 600000)::TINYINT::DOUBLE, 0)), 0)) - 1))::DOUBLE AS sales_yoy_12m,
       ((((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.total_declared_sales_in_6_months_after_30d_chosen END)::DOUBLE / nullif(((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.total_declared_sales_in_6_months_12_back_after_30d_chosen END)::DOUBLE / nullif(((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.total_declared_sales_in_6_months_12_back_after_30d_chosen END)::DOUBLE >= 200000)::TINYINT::DOUBLE, 0)), 0)) - 1))::DOUBLE AS sales_yoy_6m,
       (((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_3m END)::DOUBLE / nullif((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_12m END)::DOUBLE, 0)))::DOUBLE AS sales_growth_recent,
       ((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.late_returns_12m END)::DOUBLE)::DOUBLE AS late_returns_12m,
       ((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.months_filed_12m END)::DOUBLE)::DOUBLE AS months_filed_12m,
       ((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.corrected_returns_24m END)::DOUBLE)::DOUBLE AS corrected_returns_24m,
       (((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.total_export_sales_in_12_months_after_30d END)::DOUBLE / nullif((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.sales_12m END)::DOUBLE, 0)))::DOUBLE AS export_share_12m,
       ((CASE WHEN of_tax_paid.uscc IS NULL THEN 0 ELSE of_tax_paid.late_payment_surcharges_12m END)::DOUBLE)::DOUBLE AS late_payment_surcharges_12m,
       ((CASE WHEN of_tax_paid.uscc IS NULL THEN 0 ELSE of_tax_paid.months_with_arrears_12m END)::DOUBLE)::DOUBLE AS months_with_arrears_12m,
       ((CASE WHEN of_tax_violation.uscc IS NULL THEN 0 ELSE of_tax_violation.tax_violations_36m END)::DOUBLE)::DOUBLE AS tax_violations_36m,
       ((CASE WHEN of_tax_filing.uscc IS NULL THEN 0 ELSE of_tax_filing.loss_statements_24m END)::DOUBLE)::DOUBLE AS loss_statements_24m,
       ((of_tax_filing.operating_cash_12m)::DOUBLE)::DOUBLE AS operating_cash_12m,
       ((CASE WHEN ((coalesce((date_diff('day', of_tax_paid.days_since_facts_chosen, as_of()))::DOUBLE, 0) - 15) + (28 * ((((CASE WHEN of_tax_paid.uscc IS NULL THEN 0 ELSE of_tax_paid.months_with_facts_in_2_months_after_15d_chosen END)::DOUBLE = 2)::TINYINT::DOUBLE + ((CASE WHEN of_tax_paid.uscc IS NULL THEN 0 ELSE of_tax_paid.months_with_facts_in_3_months_after_15d_chosen END)::DOUBLE = 3)::TINYINT::DOUBLE) + (3 * ((CASE WHEN of_tax_paid.uscc IS NULL THEN 0 ELSE of_tax_paid.months_with_facts_in_6_months_after_15d_chosen END)::DOUBLE = 6)::TINYINT::DOUBLE)))) IS NULL THEN NULL ELSE greatest(((coalesce((date_diff('day', of_tax_paid.days_since_facts_chosen, as_of()))::DOUBLE, 0) - 15) + (28 * ((((CASE WHEN of_tax_paid.uscc IS NULL THEN 0 ELSE of_tax_paid.months_with_facts_in_2_months_after_15d_chosen END)::DOUBLE = 2)::TINYINT::DOUBLE + ((CASE WHEN of_tax_paid.uscc IS NULL THEN 0 ELSE of_tax_paid.months_with_facts_in_3_months_after_15d_chosen END)::DOUBLE = 3)::TINYINT::DOUBLE) + (3 * ((CASE WHEN of_tax_paid.uscc IS NULL THEN 0 ELSE of_tax_paid.months_with_facts_in_6_months_after_15d_chosen END)::DOUBLE = 6)::TINYINT::DOUBLE)))), 0) END * (((((coalesce((of_tax_paid.latest_arrears_bal_chosen)::DOUBLE, 0) + coalesce((of_tax_paid.latest_arrears_bal_chosen_2)::DOUBLE, 0)) + coalesce((of_tax_paid.latest_arrears_bal_chosen_3)::DOUBLE, 0)) + coalesce((of_tax_paid.latest_arrears_bal_chosen_4)::DOUBLE, 0)) + coalesce((of_tax_paid.latest_arrears_bal_chosen_5)::DOUBLE, 0)) > 0)::TINYINT::DOUBLE))::DOUBLE AS tax_arrears_days,
       (coalesce((of_tax_paid.largest_late_fee_in_3_months_after_30d)::DOUBLE, 0))::DOUBLE AS late_payment_surcharge_3m,
       ((of_tax_filing.operating_cash_last_year)::DOUBLE)::DOUBLE AS operating_cash_last_year
FROM enterprises r
LEFT JOIN of_adm_penalty ON of_adm_penalty.uscc = r.uscc
LEFT JOIN of_agri ON of_agri.uscc = r.uscc
LEFT JOIN of_bank_feedback ON of_bank_feedback.uscc = r.uscc
LEFT JOIN of_bidding ON of_bidding.uscc = r.uscc
LEFT JOIN of_contract ON of_contract.uscc = r.uscc
LEFT JOIN of_court_case ON of_court_case.uscc = r.uscc
LEFT JOIN of_court_exec ON of_court_exec.uscc = r.uscc
LEFT JOIN of_court_freeze ON of_court_freeze.uscc = r.uscc
LEFT JOIN of_customs ON of_customs.uscc = r.uscc
LEFT JOIN of_env_safety ON of_env_safety.uscc = r.uscc
LEFT JOIN of_equity_pledge ON of_equity_pledge.uscc = r.uscc
LEFT JOIN of_gov_fund ON of_gov_fund.uscc = r.uscc
LEFT JOIN of_inv_monthly ON of_inv_monthly.uscc = r.uscc
LEFT JOIN of_jobs ON of_jobs.uscc = r.uscc
LEFT JOIN of_mkt_change ON of_mkt_change.uscc = r.uscc
LEFT JOIN of_movable_pledge ON of_movable_pledge.uscc = r.uscc
LEFT JOIN of_overdue ON of_overdue.uscc = r.uscc
LEFT JOIN of_pboc_ent ON of_pboc_ent.uscc = r.uscc
LEFT JOIN of_pboc_guar ON of_pboc_guar.uscc = r.uscc
LEFT JOIN of_pboc_person ON of_pboc_person.uscc = r.uscc
LEFT JOIN of_risk_task ON of_risk_task.uscc = r.uscc
LEFT JOIN of_sentiment ON of_sentiment.uscc = r.uscc
LEFT JOIN of_si_monthly ON of_si_monthly.uscc = r.uscc
LEFT JOIN of_supply_chain ON of_supply_chain.uscc = r.uscc
LEFT JOIN of_tax_filing ON of_tax_filing.uscc = r.uscc
LEFT JOIN of_tax_paid ON of_tax_paid.uscc = r.uscc
LEFT JOIN of_tax_violation ON of_tax_violation.uscc = r.uscc
LEFT JOIN of_tech_list ON of_tech_list.uscc = r.uscc
LEFT JOIN of_utility ON of_utility.uscc = r.uscc

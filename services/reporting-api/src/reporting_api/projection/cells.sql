-- The cells of some cuboids that a page's audits belong to, and what the page adds to them; reporting_api.cuboids fills in which.
select
    (/*cuboid*/)::smallint as cuboid, day, view, /*dimensions*/,
    sum(weight) as audits,
    coalesce(sum(weight) filter (where incorrect), 0) as errors,
    coalesce(sum(weight) filter (where incorrect and severity = 'critical'), 0) as critical_errors,
    coalesce(sum(weight) filter (where incorrect and error_class = 'false_positive'), 0) as false_positives,
    coalesce(sum(weight) filter (where incorrect and error_class = 'false_negative'), 0) as false_negatives,
    coalesce(sum(weight * handling_time_s), 0) as handling_time_s,
    coalesce(sum(weight) filter (where handling_time_s is not null), 0) as timed,
    coalesce(sum(weight * score), 0) as score,
    coalesce(sum(weight) filter (where score is not null), 0) as scored
from delta
where /*which*/
group by grouping sets (/*grouping_sets*/)
